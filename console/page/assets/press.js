// A hand on the page: while somebody presses, nothing is drawn, for what moves
// away between press and release is never clicked.

// longest is how long a press may hold the page still, in ms: who selects text
// still sees what happens.
const longest = 3000;
const soon = 30; // after the release: a touch clicks a little later

// makePress watches the presses on target. after(draw) calls draw now or, while
// somebody presses, once they have let go.
export function makePress(target, clock = globalThis) {
  let held = null; // what ends it
  let waiting = null;
  const end = () => {
    clock.clearTimeout(held);
    held = null;
    const draw = waiting;
    waiting = null;
    draw?.();
  };
  const hold = (ms) => {
    clock.clearTimeout(held);
    held = clock.setTimeout(end, ms);
  };
  target.addEventListener('pointerdown', () => hold(longest), true);
  for (const kind of ['pointerup', 'pointercancel']) target.addEventListener(kind, () => held && hold(soon), true);
  return {
    after(draw) {
      if (held) waiting = draw;
      else draw();
    },
  };
}
