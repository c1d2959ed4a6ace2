// How numbers and times are written. A value that is unknown is a dash.

const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const dash = '–';

const unknown = (n) => n === null || n === undefined || Number.isNaN(n);

// count writes a whole number: "12,345".
export function count(n) {
  return unknown(n) ? dash : grouped.format(n);
}

// rate writes a number per second, short: "0.5", "812", "12.3k", "1.20M".
export function rate(n) {
  if (unknown(n)) return dash;
  if (n >= 1e6) return `${(n / 1e6).toFixed(2)}M`;
  if (n >= 1e4) return `${(n / 1e3).toFixed(1)}k`;
  if (n >= 10 || Number.isInteger(n)) return grouped.format(n);
  return n.toFixed(1);
}

// micros writes a time in microseconds: "87 µs", "1.24 ms", "2.100 s".
export function micros(us) {
  if (unknown(us)) return dash;
  if (us < 999.5) return `${Math.round(us)} µs`;
  if (us < 99950) return `${Number((us / 1e3).toPrecision(3))} ms`;
  return millis(us / 1e3);
}

// millis writes a time in milliseconds: "0.4 ms", "312 ms", "1.412 s".
export function millis(ms) {
  if (unknown(ms)) return dash;
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 60e3) return `${(ms / 1e3).toFixed(3)} s`;
  return seconds(ms / 1e3);
}

// round leaves the decimal places of whole seconds out, for marks of an axis: "2 s".
export function round(text) {
  return text.replace('.000 s', ' s');
}

// after writes a time since a beginning: "+0.312 s".
export function after(ms) {
  return unknown(ms) ? dash : `+${(ms / 1e3).toFixed(3)} s`;
}

// seconds writes a long time in its two largest units: "42 s", "3 min 7 s", "2 d 4 h".
export function seconds(s) {
  if (unknown(s)) return dash;
  s = Math.max(0, Math.floor(s));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// bytes writes a size: "0 B", "1.2 KiB", "34 MiB".
export function bytes(n) {
  if (unknown(n)) return dash;
  let unit = 0;
  while (n >= 1024 && unit < 4) {
    n /= 1024;
    unit++;
  }
  return `${unit > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

// plural writes a number with its noun: "1 client", "2 clients".
export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

const two = (n) => String(n).padStart(2, '0');

// clock writes a time of day, in the browser's zone: "14:02:11".
export function clock(time) {
  const t = new Date(time);
  return `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

// moment writes a time of day with milliseconds: "14:02:11.305".
export function moment(time) {
  return `${clock(time)}.${String(new Date(time).getMilliseconds()).padStart(3, '0')}`;
}

// day writes a date: "29 Nov 2026".
export function day(time) {
  return new Date(time).toLocaleDateString('en-GB', {day: 'numeric', month: 'short', year: 'numeric'});
}

// middle shortens a text in its middle to a number of characters.
export function middle(text, max) {
  if (text.length <= max) return text;
  const tail = Math.ceil((max - 1) / 2);
  return `${text.slice(0, max - 1 - tail)}…${text.slice(-tail)}`;
}

// end shortens a text at its end.
export function end(text, max) {
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max - 1))}…`;
}
