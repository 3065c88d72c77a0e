// A minimal application: customers wait in an MPC of their own, and the agent is rung.
// node answer.mjs PORT EMULATOR_URL
import { createServer } from "node:http";

const [port, emulator] = process.argv.slice(2);
const id = "MAXXXXXXXXXXXXXXXXXX", token = "secret", agent = "sip:agent1@phone.plivo.com";

createServer(async (req, res) => {
  let body = "";
  for await (const chunk of req) body += chunk;
  const form = new URLSearchParams(body);
  if (req.url === "/answer") {
    res.setHeader("Content-Type", "application/xml");
    return res.end(`<Response><MultiPartyCall role="Customer" startMpcOnEnter="false" endMpcOnExit="true" stayAlone="true"
      statusCallbackUrl="http://127.0.0.1:${port}/events">call${form.get("CallUUID").slice(0, 8)}</MultiPartyCall></Response>`);
  }
  res.end(); // 200 at once: Plivo repeats anything else
  if (form.get("EventName") !== "MPCInitialized") return;
  await fetch(`${emulator}/v1/Account/${id}/MultiPartyCall/uuid_${form.get("MPCUUID")}/Participant/`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: "Basic " + btoa(`${id}:${token}`) },
    body: JSON.stringify({ role: "Agent", from: form.get("ParticipantCallFrom"), to: agent }),
  });
}).listen(+port, "127.0.0.1", () => console.log(`application listens on ${port}`));
