// The Express peer of bench/rest.py: the same routes on the same database file, as a good engineer would write them:
// prepared statements, a cache of verified tokens, no ETag and no X-Powered-By. It checks no API key, counts no tries,
// writes no access log and gives requests no ids.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import express from "express";
import jwt from "jsonwebtoken";

const [configuration, port] = process.argv.slice(2);
const { database, secret, link, key } = JSON.parse(readFileSync(configuration, "utf8"));
const db = new DatabaseSync(database, { readOnly: true });
const ROOM = "SELECT id, tenant_id, owner_id, name, type, is_private, p2p, max_participants, created_at FROM rooms";
const MEETING =
  "SELECT id, host_id, room_id, title, transcript_enabled, summary_generated, recording_ids, scheduled_at, " +
  "duration_minutes, created_at FROM meetings";
const NEWEST = "ORDER BY created_at DESC, id DESC LIMIT ?";
const room = db.prepare(`${ROOM} WHERE id = ?`);
const rooms = db.prepare(`${ROOM} WHERE tenant_id = ? AND owner_id = ? ${NEWEST}`);
const meeting = db.prepare(`${MEETING} WHERE tenant_id = ? AND id = ?`);
const meetings = db.prepare(`${MEETING} WHERE tenant_id = ? AND host_id = ? ${NEWEST}`);

const verified = new Map();

function claims(token) {
  let known = verified.get(token);
  if (known === undefined) {
    known = jwt.verify(token, secret, { algorithms: ["HS256"], issuer: "rostrum", audience: "rostrum" });
    if (verified.size >= 20_000) verified.clear();
    verified.set(token, known);
  }
  if (known.exp * 1000 <= Date.now()) throw new Error("expired");
  return known;
}

function authenticated(request, response, next) {
  const header = request.headers.authorization;
  try {
    if (header === undefined || !header.startsWith("Bearer ")) throw new Error("no token");
    request.user = claims(header.slice(7));
  } catch {
    response.status(401).json({ success: false, code: "unauthorized", msg: "A valid token is required." });
    return;
  }
  next();
}

const refused = (response, status, code) => response.status(status).json({ success: false, code, msg: code });

const moment = (milliseconds) => (milliseconds === null ? null : new Date(milliseconds).toISOString());

const meetingBody = (row) => ({
  _id: row.id,
  title: row.title,
  hostId: row.host_id,
  roomId: row.room_id,
  transcriptEnabled: row.transcript_enabled === 1,
  summaryGenerated: row.summary_generated === 1,
  recordingIds: JSON.parse(row.recording_ids),
  scheduledAt: moment(row.scheduled_at),
  durationMinutes: row.duration_minutes,
  createdAt: moment(row.created_at),
});

const roomBody = (row) => ({
  id: row.id,
  name: row.name,
  type: row.type,
  p2p: row.p2p === 1,
  maxParticipants: row.max_participants,
  isPrivate: row.is_private === 1,
  joinUrl: `${link}/join/${row.id}#k=${key}`,
  ownerId: row.owner_id,
  live: false,
  createdAt: moment(row.created_at),
});

function pageSize(request) {
  const wanted = request.query.limit === undefined ? 50 : Number(request.query.limit);
  return Number.isInteger(wanted) && wanted >= 1 && wanted <= 200 ? wanted : undefined;
}

const app = express();
app.disable("x-powered-by");
app.set("etag", false);
app.use(authenticated);

app.get("/v1/rooms", (request, response) => {
  const limit = pageSize(request);
  if (limit === undefined) return refused(response, 400, "invalid_input");
  const rows = rooms.all(request.user.tenant, request.user.sub, limit + 1).slice(0, limit);
  response.json({ success: true, data: rows.map(roomBody), msg: "Rooms retrieved successfully!" });
});

app.get("/v1/rooms/:roomId", (request, response) => {
  const row = room.get(request.params.roomId);
  const { tenant, sub } = request.user;
  if (row === undefined || row.tenant_id !== tenant || (row.is_private === 1 && row.owner_id !== sub)) {
    return refused(response, 404, "room_not_found");
  }
  const data = { id: row.id, name: row.name, type: row.type, isPrivate: row.is_private === 1, live: false };
  response.json({ success: true, data, msg: "Room retrieved successfully!" });
});

app.get("/v1/meetings/:meetingId", (request, response) => {
  const row = meeting.get(request.user.tenant, request.params.meetingId);
  if (row === undefined || row.host_id !== request.user.sub) return refused(response, 404, "meeting_not_found");
  response.json({ success: true, data: meetingBody(row), msg: "Meeting retrieved successfully!" });
});

app.get("/meetings/list/:userId", (request, response) => {
  const limit = pageSize(request);
  if (limit === undefined) return refused(response, 400, "invalid_input");
  if (request.params.userId !== request.user.sub) return refused(response, 403, "forbidden");
  const rows = meetings.all(request.user.tenant, request.user.sub, limit + 1).slice(0, limit);
  response.json({ data: rows.map(meetingBody) });
});

const server = app.listen(Number(port), "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.on("SIGTERM", () => process.exit(0));
