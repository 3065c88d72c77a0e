// Time that passes when a test says so.

export class Time {
  #now = 1_000_000;
  #timers = new Map();
  #n = 0;

  now = () => this.#now;

  setTimeout = (call, ms, ...args) => {
    this.#timers.set(++this.#n, { at: this.#now + ms, call: () => call(...args) });
    return this.#n;
  };

  clearTimeout = (id) => { this.#timers.delete(id); };

  // pass lets that many milliseconds go by; what is due happens in order.
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].call();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

// settle lets everything happen that needs no time.
export async function settle() {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
}
