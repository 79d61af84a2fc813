import { TutorialRoom } from "./room.js";

const at = (id) => document.getElementById(id);
const status = (text) => (at("status").textContent = text);

const room = new TutorialRoom({
  onTrack(id, track) {
    const element = document.createElement(track.kind);
    element.id = `media-${id}`;
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    at("remote").append(element);
  },
  onTrackEnded(id) {
    at(`media-${id}`)?.remove();
  },
  onMessage({ name, message }) {
    const item = document.createElement("li");
    item.textContent = `${name}: ${message}`;
    at("messages").append(item);
  },
});

function on(form, event, verb) {
  at(form).addEventListener(event, (e) => {
    e.preventDefault();
    verb().catch((error) => status(String(error)));
  });
}

on("enter", "submit", async () => {
  await room.enter(at("room").value, at("name").value);
  await room.publish();
  status("live");
});
on("say", "submit", async () => {
  await room.say(at("text").value);
});
on("exit", "click", async () => status(await room.leave()));

window.tutorial = room;
