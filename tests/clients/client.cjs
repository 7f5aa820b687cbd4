// What a program with the Node client does, one check per run:
//   node client.cjs CHECK URL [MORE]
// It ends with status 0 if the server kept its promise. `tests/integration/test_node_client.py` runs it.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { connect, headers, nkeyAuthenticator } = require("@nats-io/transport-node");
const { wsconnect } = require("@nats-io/nats-core");

const TIMEOUT = 20_000;

const text = (message) => new TextDecoder().decode(message.data);

async function first(subscription) {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended without a message");
}

// The first event of this kind among those the client reports.
async function event(connection, type, more = () => true) {
  for await (const status of connection.status()) {
    if (status.type === type && more(status)) return status;
  }
  throw new Error(`the connection ended without ${type}`);
}

async function everyday(connection) {
  const one = first(connection.subscribe("greet.*"));
  connection.publish("greet.joe", "hello", { reply: "back" });
  const message = await one;
  assert.deepEqual([message.subject, message.reply, text(message)], ["greet.joe", "back", "hello"]);
}

async function headersTravel(connection) {
  const sent = headers();
  sent.append("Trace", "one");
  sent.append("Trace", "two");
  sent.set("Kind", "test");
  const one = first(connection.subscribe("with.headers"));
  connection.publish("with.headers", "hello", { headers: sent });
  const message = await one;
  assert.deepEqual(message.headers.values("Trace"), ["one", "two"]);
  assert.deepEqual([message.headers.get("Kind"), text(message)], ["test", "hello"]);
}

async function request(connection) {
  connection.subscribe("ask", { callback: (_, message) => message.respond(`re ${text(message)}`) });
  const questions = Array.from({ length: 100 }, (_, number) => `${number}`);
  const answers = await Promise.all(
    questions.map((question) => connection.request("ask", question, { timeout: TIMEOUT })),
  );
  assert.deepEqual(answers.map(text), questions.map((question) => `re ${question}`));
}

async function requestMany(connection) {
  connection.subscribe("ask.all", {
    callback: (_, message) => ["a", "b", "c"].forEach((answer) => message.respond(answer)),
  });
  const options = { strategy: "count", maxMessages: 3, maxWait: TIMEOUT };
  const answers = [];
  for await (const message of await connection.requestMany("ask.all", "", options)) answers.push(text(message));
  assert.deepEqual(answers, ["a", "b", "c"]);
}

async function noResponders(connection) {
  await assert.rejects(connection.request("nobody", "", { timeout: TIMEOUT }), (error) => {
    assert.equal(error.isNoResponders(), true);
    return true;
  });
}

async function noEcho(connection) {
  assert.equal(connection.info.headers, true);
  const heard = [];
  connection.subscribe("own", { callback: (_, message) => heard.push(text(message)) });
  connection.publish("own", "hello");
  await connection.flush();
  await connection.flush();
  assert.deepEqual(heard, []);
}

async function drain(connection) {
  let heard = 0;
  connection.subscribe("drained", { callback: () => heard++ });
  for (let number = 0; number < 1000; number++) connection.publish("drained", "x");
  await connection.drain();
  assert.equal(heard, 1000);
  assert.equal(connection.isClosed(), true);
}

async function refused(connection) {
  const complaint = event(connection, "error", (status) => status.error.operation === "publish");
  connection.publish("secret", "x");
  assert.equal((await complaint).error.subject, "secret");
  const failure = new Promise((resolve) => connection.subscribe("secret", { callback: resolve }));
  assert.match((await failure).message, /Permissions Violation for Subscription to "secret"/);
  await everyday(connection);
}

async function reconnect(connection) {
  const heard = first(connection.subscribe("still.here"));
  await connection.flush();
  const again = event(connection, "reconnect");
  console.log("connected");
  await again;
  connection.publish("still.here", "again");
  assert.equal(text(await heard), "again");
}

const plain = (check, options = {}) => async (url) => {
  const connection = await connect({ servers: url, timeout: TIMEOUT, ...options });
  await check(connection);
  await connection.close();
};

const CHECKS = {
  everyday: plain(everyday),
  verbose: plain(everyday, { verbose: true, pedantic: true }),
  headers: plain(headersTravel),
  request: plain(request),
  request_many: plain(requestMany),
  no_responders: plain(noResponders),
  no_echo: plain(noEcho, { noEcho: true }),
  drain: plain(drain),
  permissions: plain(refused, { user: "user", pass: "secret" }),
  reconnect: plain(reconnect, { reconnectTimeWait: 50, maxReconnectAttempts: -1 }),
  nkey: (url, seed) => plain(request, { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) })(url),
  tls: (url, caFile) => plain(headersTravel, { tls: { ca: fs.readFileSync(caFile, "utf8") } })(url),
  async websocket(url) {
    const connection = await wsconnect({ servers: url, timeout: TIMEOUT });
    for (const check of [everyday, headersTravel, request, requestMany, noResponders, drain]) await check(connection);
  },
};

const [name, ...rest] = process.argv.slice(2);
CHECKS[name](...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
