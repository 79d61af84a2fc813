// Driven by test_node_client.py: npm's socket.io-client against the server under test. It prints one line of JSON, what
// it has seen. Usage: node peer.mjs <scenario> <url>
import { io } from "socket.io-client";

const [scenario, url] = process.argv.slice(2);
const seen = {};
const once = (emitter, event, milliseconds = 10000) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} came`)), milliseconds);
    emitter.once(event, (...args) => (clearTimeout(timer), resolve(args)));
  });
const open = async (path = "", options = {}) => {
  const socket = io(url + path, { forceNew: true, ...options });
  await once(socket, "connect");
  return socket;
};
const exercise = async (socket) => {
  const echoed = once(socket, "echo");
  socket.emit("echo", 1, "zwei", { three: [null, true] }, Uint8Array.of(1, 2, 3));
  const [one, two, three, four] = await echoed;
  seen.echo = [one, two, three, [...new Uint8Array(four)]];
  seen.ack = await socket.timeout(10000).emitWithAck("ack", { deep: "answer" });
  const parts = [Buffer.from([7]), Buffer.from([8, 9])];
  seen.binaryAck = await new Promise((resolve) => socket.emit("ack", ...parts, (...args) => resolve(args.map((one) => [...new Uint8Array(one)]))));
  seen.nothing = await new Promise((resolve) => socket.emit("nothing", (...args) => resolve(args)));
  socket.on("question", (word, ack) => ack(`${word}, answered`));
  const answered = once(socket, "answered");
  socket.emit("ask", "asked");
  [seen.answered] = await answered;
  const burst = [];
  await new Promise((resolve) => {
    socket.on("burst", (number) => burst.push(number) === 500 && resolve());
    socket.emit("burst", 500);
  });
  seen.burst = burst.every((number, index) => number === index);
  seen.recovered = socket.recovered ?? false;
};

const scenarios = {
  async websocket() {
    const socket = await open("", { transports: ["websocket"] });
    await exercise(socket);
    seen.transport = socket.io.engine.transport.name;
    socket.close();
  },

  async polling() {
    const socket = await open("", { transports: ["polling"] });
    await exercise(socket);
    seen.transport = socket.io.engine.transport.name;
    socket.close();
  },

  async upgrade() {
    const socket = io(url, { forceNew: true });
    await once(socket, "connect");
    seen.first = socket.io.engine.transport.name;
    // All of it runs while the transport changes under it.
    const upgraded = seen.first === "websocket" ? Promise.resolve() : once(socket.io.engine, "upgrade");
    await exercise(socket);
    await upgraded;
    seen.transport = socket.io.engine.transport.name;
    seen.after = await socket.emitWithAck("ack", "after");
    socket.close();
  },

  async namespaces() {
    const manager = await open("", { transports: ["websocket"] });
    const custom = manager.io.socket("/custom", { auth: { token: "abc" } });
    [seen.auth] = await once(custom, "auth");
    seen.custom = await custom.emitWithAck("ack", "custom");
    seen.differ = custom.id !== manager.id;
    const left = once(custom, "disconnect");
    custom.emit("kick", false);
    [seen.reason] = await left;
    seen.main = await manager.emitWithAck("ack", "main");
    const unknown = manager.io.socket("/unknown");
    seen.unknown = (await once(unknown, "connect_error"))[0].message;
    manager.close();
  },

  async refused() {
    const socket = io(`${url}/secret`, { forceNew: true, auth: { token: "wrong" }, reconnection: false });
    const [error] = await once(socket, "connect_error");
    seen.message = error.message;
    seen.data = error.data;
    seen.active = socket.active;
    socket.auth = { token: "right" };
    socket.connect();
    await once(socket, "connect");
    seen.then = await socket.emitWithAck("ack", "in");
    socket.close();
  },

  async reconnection() {
    const socket = await open("", { reconnectionDelay: 50, reconnectionDelayMax: 100 });
    const first = socket.id;
    const gone = once(socket, "disconnect");
    socket.io.engine.close();
    [seen.reason] = await gone;
    // What is said while the connection is away goes out after it is back, once.
    const late = socket.emitWithAck("ack", "said while away");
    await once(socket, "connect");
    seen.recovered = socket.recovered ?? false;
    seen.differ = socket.id !== first;
    seen.late = await late;
    socket.close();
  },

  async recovery() {
    const options = { transports: ["websocket"], reconnectionDelay: 300, reconnectionDelayMax: 300, randomizationFactor: 0 };
    const [socket, speaker] = [await open("", options), await open("", options)];
    const first = socket.id;
    const heard = [];
    socket.on("said", (word) => heard.push(word));
    const said = (...words) => Promise.all(words.map(([room, word]) => speaker.emitWithAck("say", room, word)));
    await socket.emitWithAck("join", "inside");
    await said(["inside", "before"]);
    const gone = once(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    await said(["inside", "missed 1"], ["outside", "not for it"], ["inside", "missed 2"]);
    await once(socket, "connect");
    await said(["inside", "after"]);
    await socket.emitWithAck("ack", "in order");
    seen.recovered = socket.recovered;
    seen.same = socket.id === first;
    seen.heard = heard;
    seen.server = await new Promise((resolve) => socket.emit("am_i", (...args) => resolve(args)));
    // Who says good-bye comes back as somebody new.
    socket.disconnect();
    const again = once(socket, "connect");
    socket.connect();
    await again;
    seen.then = [socket.recovered, socket.id === first];
    seen.present = (await speaker.emitWithAck("present")).length;
    socket.close();
    speaker.close();
  },

  async late() {
    const socket = await open("", { transports: ["websocket"], reconnectionDelay: 1500, randomizationFactor: 0 });
    const first = socket.id;
    const gone = once(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    await once(socket, "connect");
    seen.recovered = socket.recovered;
    seen.differ = socket.id !== first;
    socket.close();
  },

  async kicked() {
    const socket = await open("");
    const gone = once(socket, "disconnect");
    socket.emit("kick", false);
    [seen.reason] = await gone;
    seen.active = socket.active;
    socket.close();
  },

  async heartbeat() {
    const [websocket, polling] = [await open("", { transports: ["websocket"] }), await open("", { transports: ["polling"] })];
    await new Promise((resolve) => setTimeout(resolve, 4000));
    seen.connected = [websocket.connected, polling.connected];
    seen.acks = [await websocket.emitWithAck("ack", 1), await polling.emitWithAck("ack", 2)];
    websocket.close();
    polling.close();
  },
};

try {
  await scenarios[scenario]();
} catch (error) {
  seen.error = String(error);
}
console.log(JSON.stringify(seen));
process.exit(0);
