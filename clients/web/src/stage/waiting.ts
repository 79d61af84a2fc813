import type { Waiting } from "./view";

/** What somebody who waits is told. */
export function waitingWords(waiting: Exclude<Waiting, "none">): { title: string; text: string } {
  switch (waiting) {
    case "not-started":
      return { title: "The webinar has not started", text: "You are in the right place. It begins here as soon as the host arrives." };
    case "getting-ready":
      return { title: "The host is getting ready", text: "Picture and sound will appear here by themselves." };
    case "away":
      return { title: "The host is away", text: "Stay here: it goes on as soon as they are back." };
  }
}
