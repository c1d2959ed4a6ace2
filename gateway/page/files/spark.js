// A small bar of parts.

import {draw} from './dom.js';

// spark draws a bar of parts, each with a class and a length. Without a label readers of the screen do not find it.
export function spark(parts, total, width, label) {
  const svg = draw('svg', {
    class: 'spark',
    viewBox: `0 0 ${width} 8`,
    role: label && 'img',
    'aria-label': label,
    'aria-hidden': label ? null : 'true',
    preserveAspectRatio: 'none',
  });
  let x = 0;
  for (const [name, length] of parts) {
    const w = total > 0 ? (width * length) / total : 0;
    svg.append(
      draw('rect', {class: name, x: x.toFixed(2), y: 0, width: Math.max(0, w).toFixed(2), height: 8}),
    );
    x += w;
  }
  return svg;
}
