// The samples of the last hour, one for each second.

const keys = [
  ...['requests', 'errors', 'uncertain', 'buffered', 'clients'],
  ...['p50_us', 'p99_us', 'p999_us', 'round_p99_us'],
  ...['share_on_replicas', 'ack_wait_p50_us', 'ack_wait_p99_us'],
];
const most = 3600;

// Series holds a line of samples for each service, and one, with an empty name, for their sum.
export class Series {
  constructor() {
    this.times = [];
    this.lines = new Map();
  }

  // load replaces all samples by those of an answer of the API.
  load(answer) {
    const step = answer.step_seconds;
    this.times = answer.all.requests.map((_, i) => answer.from + i * step);
    this.lines = new Map([answer.all, ...answer.services].map((line) => [line.service, line]));
  }

  // add appends the sample of an event. A second without one is a gap.
  add(sample) {
    const last = this.times.at(-1) ?? sample.at - 1;
    if (sample.at <= last) return;
    for (let at = Math.max(last + 1, sample.at - most); at <= sample.at; at++) {
      this.times.push(at);
      if (at < sample.at) this.push(() => null);
    }
    const points = new Map([sample.all, ...sample.services].map((point) => [point.service, point]));
    for (const service of points.keys()) this.ensure(service);
    this.push((service, key) => points.get(service)?.[key] ?? null);
    while (this.times.length > most) {
      this.times.shift();
      for (const line of this.lines.values()) for (const key of keys) line[key].shift();
    }
  }

  push(value) {
    for (const [service, line] of this.lines) for (const key of keys) line[key].push(value(service, key));
  }

  // ensure gives a service that is new a line as long as the others before this sample.
  ensure(service) {
    if (this.lines.has(service)) return;
    const line = {service};
    for (const key of keys) line[key] = new Array(this.times.length - 1).fill(null);
    this.lines.set(service, line);
  }

  // first returns the time of the first second that has a sample.
  first() {
    const requests = this.lines.get('')?.requests ?? [];
    return this.times[requests.findIndex((n) => n !== null)];
  }

  // values returns the samples of a service with some of the keys, in the order of uPlot: times first.
  values(service, names) {
    const line = this.lines.get(service);
    return [this.times, ...names.map((key) => line?.[key] ?? this.times.map(() => null))];
  }
}
