// A program of a customer's, with our client for TypeScript: what it sees, as JSON. It is told where the compiled
// client is, where the gateway is, its key, and a URL of its own that hears webhooks.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [dist, url, key] = process.argv.slice(2);
const { Heliograph, Refused, NotReached, UnreadableAnswer, each, webhooks } = await import(
  pathToFileURL(`${dist}/index.js`).href
);
const client = new Heliograph({ key, url });

async function refusal(promise) {
  try {
    await promise;
    return "no refusal";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { code: error.code, status: error.status, pointers: error.pointers, has_id: error.requestId !== "" };
  }
}

async function until(id, status) {
  for (;;) {
    const found = await client.getMessagesId(id);
    if (found.status === status) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const to = "+447400200001";
const sent = await client.postMessages({ to, text: "Hello from TypeScript", tags: ["ts"] }, { idempotencyKey: "ts-1" });
const again = await client.postMessages({ to, text: "Hello from TypeScript", tags: ["ts"] }, { idempotencyKey: "ts-1" });
const fetched = await until(sent.id, "delivered");
for (let number = 0; number < 4; number++) await client.postMessages({ to, text: `Number ${number}` });
const listed = [];
for await (const one of each((cursor) => client.getMessages({ to, limit: 2, cursor }))) listed.push(one.id);
const batch = await client.postMessagesBatch({ messages: [{ to, text: "a" }, { to: "nobody", text: "b" }] });
const later = await client.postMessages({ to, text: "Later", send_at: new Date(Date.now() + 3_600_000).toISOString() });
const canceled = await client.postMessagesIdCancel(later.id);
const started = await client.postVerifications({ to });
const checked = await client.postVerificationsIdCheck(started.id, { code: started.test_code });
const csv = await client.postConsentsImport({ csv: "to,action\n+447400200009,opt_out\n" });
const file = await client.getSuppressionsExport();

// A line that loses answers: the client asks again with the same key, and nothing is sent twice.
const keys = [];
const losing = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  keys.push(request.headers["idempotency-key"]);
  const { authorization, "content-type": type, "idempotency-key": idempotency } = request.headers;
  const headers = { authorization, "content-type": type, "idempotency-key": idempotency };
  const answer = await fetch(url + request.url, { method: request.method, headers, body: Buffer.concat(parts) });
  if (keys.length <= 2) return request.socket.destroy();
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
  response.end(await answer.text());
});
await new Promise((resolve) => losing.listen(0, "127.0.0.1", resolve));
const lossy = new Heliograph({ key, url: `http://127.0.0.1:${losing.address().port}/`, firstPauseMs: 5 });
const lost = await lossy.postMessages({ to: "+447400200002", text: "Once" });
losing.close();
const once = await client.getMessages({ to: "+447400200002" });

// A server that is busy, and one that is none of ours.
let tries = 0;
const busy = async () => {
  tries++;
  return tries < 3
    ? new Response("{}", { status: 503, headers: { "retry-after": "0" } })
    : new Response("<html>", { status: 404 });
};
const patient = new Heliograph({ key, url, firstPauseMs: 1, fetch: busy });
const stranger = await patient.getMe().catch((error) => error instanceof UnreadableAnswer);
const nobody = new Heliograph({ key, url: "http://127.0.0.1:1", retries: 1, firstPauseMs: 1 });
const unreached = await nobody.getMe().catch((error) => error instanceof NotReached);

// Webhooks arrive on the standard input, as lines: headers, body, secrets, and the time.
const told = [];
for await (const chunk of process.stdin) told.push(chunk);
const verified = [];
for (const { headers, body, secret, now } of JSON.parse(Buffer.concat(told).toString())) {
  verified.push(
    await webhooks.verify(headers, body, secret, { now }).then(
      (event) => event.id,
      (error) => error.reason ?? error.message,
    ),
  );
}

const output = {
  sent,
  replayed: again.id === sent.id,
  fetched: { status: fetched.status, text: fetched.text, tags: fetched.tags },
  listed: listed.length,
  batch: batch.data.map((one) => one.status),
  canceled: canceled.status,
  approved: checked.is_approved,
  imported: csv.taken,
  file,
  lost: { tries: keys.length, keys: new Set(keys).size, messages: once.data.map((one) => one.id), id: lost.id },
  stranger,
  tries,
  unreached,
  wrong: await refusal(client.postMessages({ to: "nobody", text: "Hello" })),
  missing: await refusal(client.getMessagesId("a/b?c")),
  denied: await refusal(new Heliograph({ key: "hg_test_bad", url }).getMe()),
  verified,
};
console.log(JSON.stringify(output));
