import { expect, it } from "vitest";
import { peer, peers, roomState, stream } from "../dev/sample";
import { peopleView } from "./people";

const host = peer("host", { role: "host", streams: { mic: stream("mic") } });
const cohost = peer("co", { role: "cohost", streams: { mic: stream("mic") } });
const viewer = peer("v");

it("gives a host the means over co-hosts and viewers, and none over hosts", () => {
  const self = peer("me", { isSelf: true, role: "host" });
  const { stage, viewers } = peopleView(roomState({ self, peers: peers(host, cohost, viewer) }));
  expect(stage.map((one) => [one.id, one.mayMute, one.mayRemove, one.mayDemote])).toEqual([
    ["me", false, false, false],
    ["host", false, false, false],
    ["co", true, true, true],
  ]);
  expect(viewers).toMatchObject([{ id: "v", mayMute: false, mayRemove: true, mayDemote: false }]);
});

it("gives a viewer none", () => {
  const { stage, viewers } = peopleView(roomState({ peers: peers(host, viewer) }));
  for (const one of [...stage, ...viewers]) expect([one.mayMute, one.mayRemove, one.mayDemote]).toEqual([false, false, false]);
});

it("counts the viewers that a large room does not name", () => {
  expect(peopleView(roomState({ viewerCount: 1200 })).unnamed).toBe(1199);
  expect(peopleView(roomState({ viewerCount: 0, peers: peers(viewer) })).unnamed).toBe(0);
});
