/**
 * One flash timer for the whole page: every flashing element runs a CSS animation, and all of them are set to have begun
 * at the same moment of the document's timeline. So all high alarms flash together, at 2 Hz, and never more than three
 * times a second (WCAG 2.3.1); the browser does the rest without any script running.
 */
export function synchroniseFlashes(root: Document): () => void {
  const onStart = (event: AnimationEvent) => {
    if (!event.animationName.startsWith('flash-') || !(event.target instanceof Element)) return;
    for (const animation of event.target.getAnimations({ subtree: true })) animation.startTime = 0;
  };
  root.addEventListener('animationstart', onStart);
  return () => root.removeEventListener('animationstart', onStart);
}
