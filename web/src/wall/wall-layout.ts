import { useEffect, useRef, useState } from 'react';
import { layOut, type TileLayout } from './tile-layout.ts';

/** The layout for the room there is, followed as the window changes. */
export function useWallLayout(count: number): TileLayout & { readonly ref: React.RefObject<HTMLDivElement | null> } {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  useEffect(() => {
    if (ref.current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const { width, height } = entry.contentRect;
      setRoom((old) => (old.width === width && old.height === height ? old : { width, height }));
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { ...layOut(room, count), ref };
}
