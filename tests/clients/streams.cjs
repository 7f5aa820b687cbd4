// What a program with the JetStream, key-value and object clients for Node does, one check per run:
//   node streams.cjs CHECK URL
// It ends with status 0 if the server kept its promise. `tests/integration/test_foreign_streams.py` runs it.
"use strict";

const assert = require("node:assert/strict");
const { connect, headers, nanos } = require("@nats-io/transport-node");
const { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, RetentionPolicy } = require("@nats-io/jetstream");
const { Kvm } = require("@nats-io/kv");
const { Objm } = require("@nats-io/obj");

const TIMEOUT = 20_000;

const range = (count) => Array.from({ length: count }, (_, number) => number);

// Takes `count` things of an iterator, and stops it.
async function take(iterator, count, each = (thing) => thing) {
  const found = [];
  if (count === 0) return found;
  for await (const thing of iterator) {
    found.push(each(thing));
    if (found.length === count) break;
  }
  return found;
}

async function all(iterator) {
  const found = [];
  for await (const thing of iterator) found.push(thing);
  return found;
}

async function filled({ js, jsm }, count = 20, config = {}) {
  await jsm.streams.add({ name: "S", subjects: ["s.>"], ...config });
  await Promise.all(range(count).map((number) => js.publish(`s.${number % 4}`, `${number}`)));
}

async function streams({ js, jsm }) {
  const created = await jsm.streams.add({ name: "S", subjects: ["s.>"], max_msgs: 5, allow_direct: true });
  assert.equal(created.config.max_msgs, 5);
  await assert.rejects(jsm.streams.add({ name: "T", subjects: ["s.one"] }), /subjects overlap/);
  for (const number of range(7)) {
    assert.equal((await js.publish(`s.${number}`, `${number}`)).seq, number + 1);
  }
  assert.equal((await js.publish("s.x", "x", { msgID: "once" })).duplicate, false);
  assert.equal((await js.publish("s.x", "x", { msgID: "once" })).duplicate, true);
  await assert.rejects(js.publish("s.x", "x", { expect: { lastSequence: 3 } }), /wrong last sequence: 8/);
  await assert.rejects(js.publish("nobody.here", "x"), (error) => error.constructor.name.includes("JetStream"));
  const { state } = await jsm.streams.info("S", { subjects_filter: ">", deleted_details: true });
  assert.deepEqual([state.messages, state.first_seq, state.last_seq, state.subjects["s.x"]], [5, 4, 8, 1]);
  assert.equal((await jsm.streams.getMessage("S", { last_by_subj: "s.6" })).string(), "6");
  assert.equal((await jsm.direct.getMessage("S", { seq: 8 })).subject, "s.x");
  const batch = await all(await jsm.direct.getBatch("S", { seq: 1, batch: 3 }));
  assert.deepEqual(batch.map((message) => message.seq), [4, 5, 6]);
  const last = await all(await jsm.direct.getLastMessagesFor("S", { multi_last: ["s.5", "s.6"] }));
  assert.deepEqual(last.map((message) => message.string()), ["5", "6"]);
  assert.equal(await jsm.streams.deleteMessage("S", 5), true);
  assert.equal((await jsm.streams.purge("S", { filter: "s.6" })).purged, 1);
  assert.deepEqual((await jsm.streams.update("S", { subjects: ["s.>", "t"] })).config.subjects, ["s.>", "t"]);
  assert.deepEqual(await all(jsm.streams.names()), ["S"]);
  assert.equal((await all(jsm.streams.list()))[0].state.last_seq, 8);
  assert.equal((await jsm.getAccountInfo()).streams, 1);
  assert.equal(await jsm.streams.delete("S"), true);
  await assert.rejects(jsm.streams.info("S"), /stream not found/);
}

async function pull({ js, jsm }) {
  await filled({ js, jsm });
  const more = { durable_name: "D", ack_policy: AckPolicy.Explicit, ack_wait: nanos(TIMEOUT) };
  await jsm.consumers.add("S", more);
  const consumer = await js.consumers.get("S", "D");
  const first = await consumer.next({ expires: TIMEOUT });
  assert.deepEqual([first.seq, first.info.pending, first.string()], [1, 19, "0"]);
  assert.equal(await first.ackAck(), true);
  const refused = await consumer.next({ expires: TIMEOUT });
  refused.nak();
  const again = await consumer.next({ expires: TIMEOUT });
  assert.deepEqual([again.seq, again.redelivered, again.info.deliveryCount], [2, true, 2]);
  again.ack();
  const fetched = await all(await consumer.fetch({ max_messages: 5, expires: TIMEOUT }));
  assert.deepEqual(fetched.map((message) => message.seq), [3, 4, 5, 6, 7]);
  for (const message of fetched.slice(0, 4)) message.ack();
  fetched[4].term("never again");
  const consumed = await take(await consumer.consume({ max_messages: 4 }), 13, (message) => {
    message.ack();
    return message.seq;
  });
  assert.deepEqual(consumed, range(13).map((number) => number + 8));
  assert.equal(await consumer.next({ expires: 1000 }), null);
  const { num_pending, num_ack_pending } = await consumer.info();
  assert.deepEqual([num_pending, num_ack_pending], [0, 0]);
  assert.deepEqual((await all(jsm.consumers.list("S"))).map((info) => info.name), ["D"]);
  const { paused } = await jsm.consumers.pause("S", "D", new Date(Date.now() + 60_000));
  assert.equal(paused, true);
  assert.equal((await jsm.consumers.resume("S", "D")).paused, false);
  assert.equal(await consumer.delete(), true);
}

async function ordered({ js, jsm }) {
  await filled({ js, jsm }, 300);
  const consumer = await js.consumers.get("S");
  const numbers = await take(await consumer.consume({ max_messages: 50 }), 300, (message) => message.seq);
  assert.deepEqual(numbers, range(300).map((number) => number + 1));
  const filtered = await js.consumers.get("S", { filter_subjects: ["s.1"], deliver_policy: DeliverPolicy.Last });
  assert.equal((await filtered.next({ expires: TIMEOUT })).subject, "s.1");
  const pushed = await js.consumers.getPushConsumer("S");
  const more = await take(await pushed.consume(), 300, (message) => message.seq);
  assert.deepEqual(more, range(300).map((number) => number + 1));
}

async function push({ connection, js, jsm }) {
  await filled({ js, jsm });
  const config = {
    durable_name: "P",
    deliver_subject: "delivered.here",
    ack_policy: AckPolicy.Explicit,
    idle_heartbeat: nanos(500),
    flow_control: true,
  };
  await jsm.consumers.add("S", config);
  const consumer = await js.consumers.getPushConsumer("S", "P");
  const numbers = await take(await consumer.consume(), 20, (message) => {
    message.ack();
    return message.seq;
  });
  assert.deepEqual(numbers, range(20).map((number) => number + 1));
  await connection.flush();
  assert.equal((await consumer.info()).num_pending, 0);
}

async function workQueue({ js, jsm }) {
  await filled({ js, jsm }, 8, { retention: RetentionPolicy.Workqueue });
  for (const name of ["0", "1"]) {
    const config = { durable_name: name, ack_policy: AckPolicy.Explicit, filter_subject: `s.${name}` };
    await jsm.consumers.add("S", config);
    const messages = await all(await (await js.consumers.get("S", name)).fetch({ max_messages: 2, expires: TIMEOUT }));
    for (const message of messages) assert.equal(await message.ackAck(), true);
  }
  assert.equal((await jsm.streams.info("S")).state.messages, 4);
}

async function keyValue({ connection }) {
  const bucket = await new Kvm(connection).create("B", { history: 5 });
  const first = await bucket.create("k", "1");
  await assert.rejects(bucket.create("k", "2"), /wrong last sequence/);
  const second = await bucket.update("k", "2", first);
  await assert.rejects(bucket.update("k", "3", first), /wrong last sequence/);
  assert.deepEqual([(await bucket.get("k")).string(), (await bucket.get("k", { revision: first })).string()], ["2", "1"]);
  await bucket.put("other.key", "x");
  assert.deepEqual((await all(await bucket.keys())).sort(), ["k", "other.key"]);
  assert.deepEqual((await all(await bucket.keys("other.*"))), ["other.key"]);
  await bucket.delete("k");
  assert.equal((await bucket.get("k")).operation, "DEL");
  const history = (await all(await bucket.history({ key: "k" }))).map((entry) => [entry.operation, entry.string()]);
  assert.deepEqual(history, [["PUT", "1"], ["PUT", "2"], ["DEL", ""]]);
  assert.equal(second, 2);
  await bucket.purge("k");
  assert.deepEqual((await all(await bucket.history({ key: "k" }))).map((entry) => entry.operation), ["PURGE"]);
  const status = await bucket.status();
  assert.deepEqual([status.bucket, status.history, status.values], ["B", 5, 2]);
  await bucket.purgeDeletes(0);
  assert.equal(await bucket.get("k"), null);
  assert.equal(await bucket.destroy(), true);
}

async function keyValueWatch({ connection }) {
  const bucket = await new Kvm(connection).create("B", { history: 3 });
  await bucket.put("a.1", "one");
  await bucket.put("b.1", "other");
  const seen = (entry) => [entry.key, entry.operation, entry.string()];
  const watching = await bucket.watch({ key: "a.*" });
  const three = take(watching, 3, seen);
  await bucket.put("a.2", "two");
  await bucket.delete("a.1");
  assert.deepEqual(await three, [["a.1", "PUT", "one"], ["a.2", "PUT", "two"], ["a.1", "DEL", ""]]);
  const one = take(await bucket.watch({ include: "updates" }), 1, seen);
  await bucket.put("c", "new");
  assert.deepEqual(await one, [["c", "PUT", "new"]]);
  const past = await take(await bucket.watch({ key: "a.1", include: "history" }), 2, seen);
  assert.deepEqual(past, [["a.1", "PUT", "one"], ["a.1", "DEL", ""]]);
}

async function keyValueTtl({ connection }) {
  const bucket = await new Kvm(connection).create("B", { markerTTL: 2000 });
  assert.equal((await bucket.status()).markerTTL, 2000);
  const watching = take(await bucket.watch(), 2, (entry) => [entry.key, entry.operation]);
  await bucket.create("short", "x", "2s");
  assert.deepEqual(await watching, [["short", "PUT"], ["short", "PURGE"]]);
  await bucket.create("short", "again");
  assert.equal((await bucket.get("short")).string(), "again");
  const old = await new Kvm(connection).create("OLD", { ttl: 500 });
  await old.put("k", "x");
  for (const end = Date.now() + TIMEOUT; await old.get("k"); ) assert.ok(Date.now() < end, "it does not expire");
}

async function objects({ connection }) {
  const store = await new Objm(connection).create("O", { description: "large things" });
  const content = new Uint8Array(1_000_000).map((_, place) => place % 251);
  const meta = { name: "large", description: "bytes", headers: headers() };
  meta.headers.set("Kind", "test");
  const put = await store.putBlob({ ...meta, options: { max_chunk_size: 65_536 } }, content);
  assert.deepEqual([put.size, put.chunks], [1_000_000, 16]);
  assert.deepEqual(await store.getBlob("large"), content);
  const found = await store.info("large");
  assert.deepEqual([found.digest, found.headers.get("Kind")], [put.digest, "test"]);
  await store.putBlob({ name: "empty" }, new Uint8Array(0));
  assert.equal((await store.getBlob("empty")).length, 0);
  await store.putBlob({ name: "large" }, new Uint8Array([1, 2, 3]));
  assert.deepEqual([...(await store.getBlob("large"))], [1, 2, 3]);
  await store.link("alias", await store.info("large"));
  assert.deepEqual([...(await store.getBlob("alias"))], [1, 2, 3]);
  await store.update("empty", { name: "renamed" });
  assert.deepEqual((await store.list()).map((info) => info.name).sort(), ["alias", "large", "renamed"]);
  assert.equal((await store.delete("large")).success, true);
  assert.equal((await store.info("large")).deleted, true);
  assert.equal(await store.get("missing"), null);
  await store.seal();
  await assert.rejects(store.putBlob({ name: "more" }, new Uint8Array(1)));
  assert.equal(await store.destroy(), true);
}

async function objectWatch({ connection }) {
  const store = await new Objm(connection).create("O");
  await store.putBlob({ name: "a" }, new Uint8Array(10));
  const three = take(await store.watch({ includeHistory: true }), 3, (info) => [info?.name, info?.deleted]);
  await store.putBlob({ name: "b" }, new Uint8Array(20));
  await store.delete("a");
  assert.deepEqual(await three, [["a", false], ["b", false], ["a", true]]);
}

const CHECKS = {
  streams,
  pull,
  ordered,
  push,
  work_queue: workQueue,
  key_value: keyValue,
  key_value_watch: keyValueWatch,
  key_value_ttl: keyValueTtl,
  objects,
  object_watch: objectWatch,
};

async function run(name, url) {
  const connection = await connect({ servers: url, timeout: TIMEOUT });
  const options = { timeout: TIMEOUT };
  const jsm = await jetstreamManager(connection, options);
  for (const left of await all(jsm.streams.names())) await jsm.streams.delete(left);
  await CHECKS[name]({ connection, js: jetstream(connection, options), jsm });
  await connection.close();
}

const [name, url] = process.argv.slice(2);
run(name, url).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
