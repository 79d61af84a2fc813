// The peer of the fan-out benchmarks: chat of rooms on Node's socket.io, the documented events, all in memory.
// It prints one line of JSON when it is ready: {url, pid}.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { perMessageDeflate: false });
const rooms = new Map();
let lines = 0;

io.on("connection", (socket) => {
  socket.on("createRoom", ({ room_id, history = 100 }, ack) => {
    const created = !rooms.has(room_id);
    if (created) rooms.set(room_id, { peers: new Map(), history: [], kept: history });
    ack({ room_id, created });
  });

  socket.on("join", ({ room_id, name }, ack) => {
    const room = rooms.get(room_id);
    const peer = { id: socket.id, name, role: room.peers.size ? "viewer" : "host" };
    room.peers.set(socket.id, peer);
    socket.data.name = name;
    socket.data.room = room_id;
    socket.join(room_id);
    ack({ id: peer.id, room: { id: room_id }, chatHistory: room.history, role: peer.role });
  });

  socket.on("sendMessage", ({ room_id, message }, ack) => {
    const { name } = socket.data;
    const line = { id: String(++lines), room_id, name, peer_id: socket.id, message, timestamp: Date.now(),
      socketId: socket.id, peerId: socket.id };
    const { history, kept } = rooms.get(room_id);
    history.push(line);
    if (history.length > kept) history.shift();
    // The documented chat goes out under both of its names.
    for (const event of ["message", "sendMessage"]) socket.to(room_id).emit(event, line);
    ack({ id: line.id, timestamp: line.timestamp });
  });

  socket.on("disconnect", () => rooms.get(socket.data.room)?.peers.delete(socket.id));
});
http.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}`, pid: process.pid }));
});
process.on("SIGTERM", () => process.exit(0));
