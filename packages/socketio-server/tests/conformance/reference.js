// The application of app.py on Node's socket.io: what the tests require is checked against it, so that a test that
// asks for more than the protocol does is noticed. `SOCKETIO_REFERENCE=1 pytest …/conformance` runs it.
import { createServer } from "node:http";
import { Server } from "socket.io";

const options = {
  pingInterval: 25, pingTimeout: 20, connectTimeout: 45, maxPayload: 1 << 20, transports: ["polling", "websocket"],
  origins: null, ...JSON.parse(process.argv[2] ?? "{}"),
};
const http = createServer();
const io = new Server(http, {
  pingInterval: options.pingInterval * 1000,
  pingTimeout: options.pingTimeout * 1000,
  connectTimeout: options.connectTimeout * 1000,
  maxHttpBufferSize: options.maxPayload,
  transports: options.transports,
  perMessageDeflate: false,
  httpCompression: false,
  ...(options.recoverySeconds ? { connectionStateRecovery: { maxDisconnectionDuration: options.recoverySeconds * 1000 } } : {}),
});
const reasons = [];
const sockets = new Map();

io.of("/secret").use((socket, next) => {
  if (socket.handshake.auth.token === "right") return next();
  const error = new Error("not allowed");
  error.data = { code: "wrong_token" };
  next(error);
});

for (const name of ["/", "/custom", "/secret"]) {
  io.of(name).on("connection", (socket) => {
    sockets.set(socket.id, socket);
    socket.emit("auth", socket.handshake.auth);
    socket.on("disconnect", (reason) => {
      sockets.delete(socket.id);
      reasons.push([socket.id, reason]);
    });
    const on = (event, handler) =>
      socket.on(event, async (...args) => {
        const answer = typeof args.at(-1) === "function" ? args.pop() : () => {};
        answer(...((await handler(...args)) ?? []));
      });
    on("echo", (...args) => void socket.emit("echo", ...args));
    on("ack", (...args) => args);
    on("nothing", () => []);
    on("ask", (...args) => {
      socket.emit("question", ...args, (answer) => socket.emit("answered", answer));
    });
    on("burst", (count) => {
      for (let number = 0; number < count; number++) socket.emit("burst", number);
    });
    on("fill", (count, size) => {
      for (let number = 0; number < count; number++) socket.emit("fill", number, "x".repeat(size));
    });
    on("kick", (close) => void socket.disconnect(close));
    on("join", (room) => (socket.join(room), [room]));
    on("leave", (room) => (socket.leave(room), [room]));
    on("say", (room, ...args) => (socket.to(room).emit("said", ...args), [args.length]));
    on("flood", async (room, count, size) => {
      for (let number = 0; number < count; number++) {
        io.to(room).emit("said", number, "x".repeat(size));
        if (number % 10 === 9) await new Promise((done) => setTimeout(done, 10));
      }
      return [count];
    });
    on("reasons", () => [reasons]);
    on("present", () => [[...sockets.keys()]]);
    on("tasks", () => [0]);
    on("am_i", () => [socket.recovered, [...socket.rooms].filter((room) => room !== socket.id).sort()]);
  });
}
http.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}`, pid: process.pid }));
});
process.on("SIGTERM", () => process.exit(0));
