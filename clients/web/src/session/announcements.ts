import type { RoomState } from "@rostrum/sdk";
import type { Toasts } from "../ui/toasts";
import type { RoomLike } from "./roomlike";

/** Says in toasts what happens in a room. Answers what ends it. */
export function announce(room: RoomLike, toasts: Toasts): () => void {
  let before = room.state;
  const ends = [
    room.subscribe((state) => {
      for (const line of changes(before, state)) toasts.add(line.text, line.tone);
      before = state;
    }),
    room.on("cohostResponse", ({ accepted }) =>
      accepted
        ? toasts.add("You are on stage. Turn on your camera and microphone when you are ready.", "good")
        : toasts.add("The host has declined your request for now."),
    ),
    room.on("muted", () => toasts.add("A host has muted you.")),
    room.on("error", (error) => error.code === "device_lost" && toasts.add(error.message, "bad")),
  ];
  return () => ends.forEach((end) => end());
}

interface Line {
  text: string;
  tone: "info" | "good" | "bad";
}

/** What of the difference between two pictures is worth a word. */
export function changes(before: RoomState, now: RoomState): Line[] {
  if (before === now || now.connection === "closed") return [];
  const lines: Line[] = [];
  if (before.connection === "reconnecting" && now.connection === "joined") lines.push({ text: "You are connected again.", tone: "good" });
  if (before.screenPeerId !== now.screenPeerId) lines.push(...screenLine(before, now));
  if (before.connection === "joined" && now.connection === "joined") lines.push(...roleLines(before, now));
  return lines;
}

function screenLine(before: RoomState, now: RoomState): Line[] {
  const id = now.screenPeerId;
  if (id === null || id === now.self?.id || before.connection !== "joined") return [];
  return [{ text: `${now.peers.get(id)?.name ?? "Somebody"} is sharing their screen.`, tone: "info" }];
}

function roleLines(before: RoomState, now: RoomState): Line[] {
  const lines: Line[] = [];
  for (const peer of now.peers.values()) {
    const was = before.peers.get(peer.id)?.role;
    if (was === "viewer" && peer.role === "cohost") lines.push({ text: `${peer.name} has joined the stage.`, tone: "info" });
    if (was === "cohost" && peer.role === "viewer") lines.push({ text: `${peer.name} has left the stage.`, tone: "info" });
  }
  if (before.self?.role === "cohost" && now.self?.role === "viewer") lines.push({ text: "You are back in the audience.", tone: "info" });
  return lines;
}
