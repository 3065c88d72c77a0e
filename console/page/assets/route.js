// Where the page is, in the fragment of its URL: #/ or #/calls/ID, each with
// ?q=words&show=waiting. So a reload, a bookmark and Back lead to the same view.

export const shows = ['all', 'waiting', 'coached'];

// parse reads a fragment. What it does not know is left out.
export function parse(hash) {
  const [path, query] = hash.replace(/^#/, '').split('?');
  const params = new URLSearchParams(query ?? '');
  const call = /^\/calls\/([A-Za-z0-9]{16,64})\/?$/.exec(path)?.[1] ?? '';
  const show = shows.includes(params.get('show')) ? params.get('show') : 'all';
  return { call, q: (params.get('q') ?? '').slice(0, 100), show };
}

// format is the inverse of parse.
export function format({ call = '', q = '', show = 'all' }) {
  const params = new URLSearchParams();
  if (q) params.set('q', q);
  if (show !== 'all') params.set('show', show);
  const query = params.toString();
  return `#/${call ? `calls/${call}` : ''}${query ? `?${query}` : ''}`;
}
