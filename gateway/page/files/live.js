// The connection to the gateway: questions by fetch, news by EventSource. Paths are relative to the page, so that it
// also works below a folder of a reverse proxy.

import {clock, seconds} from './format.js';
import {byId, setClass, setText} from './dom.js';

// silence is how long nothing may come before the page says that its numbers are old. A sample comes each second.
const silence = 3500;
// reopenAfter is how long nothing may come before the stream is opened anew: the browser itself notices only errors.
const reopenAfter = 8000;

// ask returns the JSON of a path of the API. It throws an error with the gateway's reason.
export async function ask(path) {
  const reply = await fetch(`api/v1/${path}`, {cache: 'no-store', signal: AbortSignal.timeout(10000)});
  if (reply.ok) return reply.json();
  let why = `status ${reply.status}`;
  try {
    why = (await reply.json()).error;
  } catch {
    // It has no reason.
  }
  throw new Error(why);
}

// Live keeps the stream open. Its events have the keys open, sample, topology and failover.
export class Live {
  constructor(events) {
    this.events = events;
    this.last = 0;
    this.lastAt = null;
    this.stale = false;
    this.opened = 0;
  }

  start() {
    this.begun = performance.now();
    this.open();
    setInterval(() => this.check(), 1000);
  }

  open() {
    this.source?.close();
    this.opened = performance.now();
    const source = new EventSource('api/v1/events');
    this.source = source;
    source.addEventListener('open', () => this.events.open());
    for (const name of ['sample', 'topology', 'failover']) {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.heard();
        this.events[name](JSON.parse(event.data));
      });
    }
  }

  heard() {
    this.last = performance.now();
    this.lastAt = Date.now();
    if (this.stale) this.mark(false);
  }

  // check says how old the numbers are, and opens the stream anew when it is silent.
  check() {
    const now = performance.now();
    const quiet = now - (this.last || this.begun);
    if (quiet > silence && !this.stale) this.mark(true);
    if (this.stale && this.lastAt) {
      setText(byId('alarm-age'), `Last data ${seconds(quiet / 1000)} old, from ${clock(this.lastAt)}.`);
    }
    const closed = this.source.readyState === EventSource.CLOSED;
    if (now - this.opened > (closed ? 2000 : reopenAfter) && (closed || quiet > reopenAfter)) this.open();
  }

  mark(stale) {
    this.stale = stale;
    setClass(document.body, 'stale', stale);
    byId('alarm').hidden = !stale;
    setText(byId('alarm-text'), stale ? 'Connection to the gateway lost. Reconnecting.' : '');
    setText(byId('alarm-age'), '');
    this.events.stale(stale);
  }
}
