// Calls as the API shows them, for the tests.

const start = Date.parse('2026-01-01T14:00:00.000Z');

export const at = (seconds) => new Date(start + seconds * 1000).toISOString();
export const ms = (seconds) => start + seconds * 1000;

export const names = {
  agent: (id) => ({ ann: 'Ann', bob: 'Bob' })[id] ?? id,
  supervisor: (id) => ({ lee: 'Lee', mia: 'Mia' })[id] ?? id,
  actor: (a) => ({ ann: 'Ann', lee: 'Lee' })[a?.id] ?? a?.id ?? '',
};

export function call(more = {}) {
  return {
    id: 'c0000000000000001', version: 1, state: 'active', from: '14155550123', to: '14155550100', created: at(0), activated: at(20),
    participants: [customer(), agent('ann')], supervisions: [], attempts: [], hears: pairs('1>2 2>1'), customer_hears: 'people', history: [], ...more,
  };
}

const participant = { muted: false, held: false, coaching: false, confirmed: true, joined: at(10) };
export const customer = (more) => ({ ...participant, member: '1', role: 'customer', address: '14155550123', ...more });
export const agent = (id, more) => ({ ...participant, member: '2', role: 'agent', agent: id, ...more });
export const supervisor = (id, more) => ({ ...participant, member: '3', role: 'supervisor', supervisor: id, coaching: true, ...more });

// pairs reads "listener>speaker" by members.
export const pairs = (text) => text.split(' ').filter(Boolean).map((x) => ({ listener: x.split('>')[0], speaker: x.split('>')[1] }));

export const supervision = (more) => ({
  id: 'lee', state: 'joined', member: '3', mode: 'coach', want: 'coach', audible: false, took_over: false, agent: 'keep',
  asked: at(30), joined: at(40), asked_by: { id: 'ann', role: 'agent' }, ...more,
});

export const history = (...records) => records.map(([seconds, kind, more], i) => ({ seq: i + 1, kind, at: at(seconds), ...more }));
