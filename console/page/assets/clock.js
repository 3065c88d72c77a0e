// The server's time, whatever the local clock says. Each answer's Date header
// bounds the difference from both sides, and so does each event: it cannot be
// told before it happened. What contradicts the bounds replaces them.

export class Clock {
  #lo = -Infinity; // server time minus local time, in ms
  #hi = Infinity;
  #local;

  constructor(local = Date.now) {
    this.#local = local;
  }

  // now returns the server's time in ms.
  now() {
    return this.#local() + this.offset();
  }

  // offset is server time minus local time; 0 while nothing is known.
  offset() {
    if (this.#lo > -Infinity && this.#hi < Infinity) return (this.#lo + this.#hi) / 2;
    if (this.#lo > -Infinity) return Math.max(0, this.#lo);
    return 0;
  }

  // date takes in a Date header, which has whole seconds, of an answer to a
  // request sent and answered at these local times.
  date(header, sent, received) {
    const at = Date.parse(header ?? '');
    if (Number.isNaN(at)) return;
    this.#bound(at - received, at + 1000 - sent);
  }

  // event takes in when something happened that has just been told.
  event(iso) {
    const at = Date.parse(iso ?? '');
    if (!Number.isNaN(at)) this.#bound(at - this.#local(), Infinity);
  }

  #bound(lo, hi) {
    const both = [Math.max(lo, this.#lo), Math.min(hi, this.#hi)];
    if (both[0] <= both[1]) [this.#lo, this.#hi] = both;
    else [this.#lo, this.#hi] = [lo, hi]; // a clock was set: the newest is right
  }
}

// span is a length of time in words of digits: 0:07, 12:30, 1:02:03.
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const rest = `${Math.floor(s / 60) % 60}:${two(s % 60)}`;
  return hours > 0 ? `${hours}:${rest.padStart(5, '0')}` : rest;
}
