// One stream for all phones that the pages of this browser show. With a stream
// each they would soon hold the six connections that a browser opens to a host,
// and the next page would wait for ever. Runs as a shared worker.
'use strict';

const again = 2000; // ms, after the emulator refused

const ports = new Map(); // to pages, and the address that each shows
const views = new Map(); // the last one of each address
let source = null;
let followed = ''; // the addresses it is about

function follow() {
  const addresses = [...new Set(ports.values())].sort();
  if (addresses.join() === followed) return;
  followed = addresses.join();
  source?.close();
  source = null;
  views.clear();
  if (addresses.length > 0) open(addresses);
}

function open(addresses) {
  const mine = new EventSource(`/_/phones/stream?calls=2&${addresses.map((a) => `address=${encodeURIComponent(a)}`).join('&')}`);
  source = mine;
  mine.onmessage = (m) => {
    const view = JSON.parse(m.data);
    views.set(view.address, view);
    for (const [port, address] of ports) if (address === view.address) port.postMessage(view);
  };
  mine.onerror = () => {
    views.clear();
    for (const port of ports.keys()) port.postMessage(null);
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => source === mine && open(addresses), again);
  };
}

// A page says which address it shows, and nothing when it goes.
onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: address }) => {
    if (address) ports.set(port, address);
    else ports.delete(port);
    follow();
    if (views.has(address)) port.postMessage(views.get(address));
  };
};
