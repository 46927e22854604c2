import type { Shown, TileView } from '../live/tile-view.ts';

/** Writes a view into a tile's elements, and touches only what differs from what is there. */
export interface TilePainter {
  paint(view: TileView): void;
}

const VALUES = ['heartRate', 'spo2', 'respiratoryRate', 'pressure', 'temperature', 'news2'] as const;
const TEXTS = ['symbol', 'age', 'marks', 'alarm', 'alarmNote', 'notice', 'pressureAge'] as const;

/** `root` holds elements marked `data-part`, one for each part of the view. */
export function createTilePainter(root: HTMLElement): TilePainter {
  const part = (name: string): HTMLElement => {
    const element = root.querySelector<HTMLElement>(`[data-part="${name}"]`);
    if (element === null) throw new Error(`tile without its part ${name}`);
    return element;
  };
  const values = VALUES.map((name) => [name, part(name)] as const);
  const texts = TEXTS.map((name) => [name, part(name)] as const);
  const news2 = part('news2');
  let last: TileView | undefined;

  return {
    paint(view) {
      for (const [name, element] of values) paintValue(element, view[name], last?.[name]);
      for (const [name, element] of texts) if (view[name] !== last?.[name]) write(element, view[name]);
      if (view.look !== last?.look) root.dataset['look'] = view.look;
      if (view.call !== last?.call) root.dataset['call'] = view.call;
      if (view.connection !== last?.connection) root.dataset['connection'] = view.connection;
      if (view.news2Tone !== last?.news2Tone) news2.dataset['tone'] = view.news2Tone;
      if (view.toTake !== last?.toTake) root.dataset['toTake'] = view.toTake ?? '';
      last = view;
    },
  };
}

/** Changes the text node that is there: replacing it each second cost the style and layout of a new one. */
function write(element: HTMLElement, text: string): void {
  const node = element.firstChild;
  // Without any node where nothing is said, so that `:empty` holds.
  if (node instanceof Text && text !== '') node.data = text;
  else element.textContent = text;
}

function paintValue(element: HTMLElement, shown: Shown, last: Shown | undefined): void {
  if (shown.text !== last?.text) write(element, shown.text);
  if (shown.freshness !== last?.freshness) element.dataset['freshness'] = shown.freshness;
  if (shown.isCause !== last?.isCause) element.toggleAttribute('data-cause', shown.isCause);
}
