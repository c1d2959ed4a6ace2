// The drawing of one failover: a lane for the gateway and for each Sentinel and server that had part in it, points for
// what each said, and a band for the time in which requests waited.

import {draw} from './dom.js';
import {end, millis} from './format.js';

const lane = 26;
const head = 24;
const letter = 5.9;

// words are those of the gateway's own steps.
const words = {
  suspected: 'suspects',
  held: 'holds requests',
  candidate: 'sees a candidate',
  promoted: 'sees it promoted',
  resumed: 'resumes',
  receipt: 'receipt',
  confirmed: 'sees it confirmed',
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
      draw('text', {class: 'tick', x: x(at), y: 11, 'text-anchor': 'middle'}, millis(at)),
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
    let free = 0;
    const own = marks.filter((m) => m.lane === name);
    own.forEach((m, i) => {
      const at = x(m.at);
      const next = i + 1 < own.length ? x(own[i + 1].at) : width;
      const point = draw(
        'g',
        {class: `mark ${m.kind}`},
        draw('circle', {cx: at, cy: y, r: 4.5}),
        draw('title', {}, `+${Math.round(m.at)} ms: ${m.text}`),
      );
      const room = Math.floor((next - at - 12) / letter);
      if (at >= free && room >= Math.min(m.words.length, 9)) {
        point.append(draw('text', {x: at + 8, y: y + 4}, end(m.words, room)));
        free = at + 8 + Math.min(m.words.length, room) * letter;
      }
      svg.append(point);
    });
  });
  return svg;
}
