// The drawing of one failover: a lane for the gateway and for each Sentinel and server that had part in it, points for
// what each said, and a band for the time in which requests waited.

import {draw} from './dom.js';
import {end, millis, round} from './format.js';

const lane = 26;
const head = 24;
const letter = 5.9;

// words are those of the gateway's own steps.
const words = {
  suspected: 'suspects',
  held: 'holds requests',
  candidate: 'candidate',
  promoted: 'promoted',
  resumed: 'resumes',
  receipt: 'receipt',
  confirmed: 'confirmed',
};

// speaker returns which Sentinel or server an event came from: its subject, or the first word of the reason.
function speaker(step, known) {
  if (step.kind === 'other' && step.subject) return step.subject;
  const word = step.why.split(' ')[0].replace(/:$/, '');
  return known.has(word) ? word : '';
}

// marksOf returns what is drawn: the lane, the time and the words of each point.
function marksOf(failover, known) {
  const marks = [];
  for (const step of failover.steps) {
    const who = speaker(step, known);
    if (who) {
      const said =
        step.kind === 'other' ? step.event.replace(/^(sentinel|server) /, '') : step.why.slice(who.length);
      marks.push({
        lane: who,
        at: step.after_ms,
        kind: 'said',
        words: said.replace(/^[: ]+/, ''),
        text: step.text,
      });
    }
    if (step.kind !== 'other') {
      marks.push({
        lane: 'gateway',
        at: step.after_ms,
        kind: step.kind,
        words: words[step.kind] ?? step.event,
        text: step.text,
      });
    } else if (!who)
      marks.push({lane: 'gateway', at: step.after_ms, kind: 'other', words: step.event, text: step.text});
  }
  return marks;
}

// ticks returns round times over a range, in milliseconds.
function ticks(length, most) {
  const step =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000].find(
      (s) => length / s <= most,
    ) ?? Math.ceil(length / most / 60000) * 60000;
  const all = [];
  for (let at = 0; at <= length; at += step) all.push(at);
  return all;
}

// together returns the points in groups of those that are too close to be told apart.
function together(marks, x) {
  const groups = [];
  for (const m of marks) {
    const last = groups.at(-1);
    if (last && x(m.at) - x(last[0].at) < 9) last.push(m);
    else groups.push([m]);
  }
  return groups;
}

// saying returns the words of a group: those of the failover's own steps, if it has any.
function saying(group) {
  const steps = group.filter((m) => m.kind !== 'other');
  return [...new Set((steps.length > 0 ? steps : group).map((m) => m.words))].join(', ');
}

// lanes returns the drawing of a failover. known are the addresses of the servers and Sentinels of its service.
export function lanes(failover, known, width, now) {
  const marks = marksOf(failover, known);
  const names = ['gateway', ...new Set(marks.map((m) => m.lane).filter((n) => n !== 'gateway'))];
  const running = failover.outcome === 'running' ? now - Date.parse(failover.began) : 0;
  const length = Math.max(...marks.map((m) => m.at), running, 10) * 1.04;
  const left = Math.min(width * 0.3, 8 + Math.max(...names.map((n) => n.length)) * 6.6);
  const height = head + names.length * lane + 6;
  const x = (at) => left + ((width - left - 90) * at) / length;
  const svg = draw('svg', {
    class: 'lanes',
    viewBox: `0 0 ${Math.floor(width)} ${height}`,
    role: 'img',
    'aria-label': 'Timeline of the failover; the table below has the same events',
  });
  const {held_ms: heldAt, resumed_ms: resumedAt} = failover;
  if (heldAt !== null) {
    const to = resumedAt ?? length;
    svg.append(
      draw(
        'rect',
        {
          class: 'pause',
          x: x(heldAt),
          y: head - 6,
          width: Math.max(1.5, x(to) - x(heldAt)),
          height: height - head + 2,
        },
        draw('title', {}, 'requests waited'),
      ),
    );
  }
  for (const at of ticks(length, Math.max(2, Math.floor((width - left) / 90)))) {
    svg.append(
      draw('line', {class: 'grid', x1: x(at), x2: x(at), y1: head - 6, y2: height}),
      draw('text', {class: 'tick', x: x(at), y: 11, 'text-anchor': 'middle'}, round(millis(at))),
    );
  }
  names.forEach((name, row) => {
    const y = head + row * lane + lane / 2;
    svg.append(
      draw('line', {class: 'grid', x1: left, x2: width, y1: y, y2: y}),
      draw(
        'text',
        {class: name === 'gateway' ? 'who us' : 'who', x: 0, y: y + 4},
        end(name, Math.floor(left / 6.6)),
        draw('title', {}, name),
      ),
    );
    const groups = together(
      marks.filter((m) => m.lane === name),
      x,
    );
    groups.forEach((group, i) => {
      for (const m of group) {
        svg.append(
          draw(
            'g',
            {class: `mark ${m.kind}`},
            draw('circle', {cx: x(m.at), cy: y, r: 4.5}),
            draw('title', {}, `+${Math.round(m.at)} ms: ${m.text}`),
          ),
        );
      }
      const at = x(group.at(-1).at) + 8;
      const next = i + 1 < groups.length ? x(groups[i + 1][0].at) - 6 : width;
      const text = saying(group);
      const room = Math.floor((next - at) / letter);
      if (room >= Math.min(text.length, 9)) svg.append(draw('text', {x: at, y: y + 4}, end(text, room)));
    });
  });
  return svg;
}
