// Runs in each page before the page's own scripts. It keeps every RTCPeerConnection that the page makes, so that the
// tests can ask the browser itself what it decodes, whatever the page's code believes.
(() => {
  const connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };

  const open = () => connections.filter((pc) => pc.connectionState !== "closed");

  async function reports(wanted) {
    const found = [];
    for (const pc of open()) {
      const stats = await pc.getStats();
      for (const report of stats.values()) if (wanted(report)) found.push(report);
    }
    return found;
  }

  // The probator of mediasoup-client shows up as one more inbound video that never decodes a frame.
  async function inbound(kind) {
    const found = await reports((r) => r.type === "inbound-rtp" && r.kind === kind);
    return found
      .filter((r) => (kind === "video" ? r.framesDecoded > 0 : r.packetsReceived > 0))
      .map((r) => ({
        track: r.trackIdentifier, packets: r.packetsReceived ?? 0, frames: r.framesDecoded ?? 0,
        width: r.frameWidth ?? 0, height: r.frameHeight ?? 0, energy: r.totalAudioEnergy ?? 0, level: r.audioLevel ?? 0,
        codec: r.codecId ?? "",
      }));
  }

  async function outbound(kind) {
    const found = await reports((r) => r.type === "outbound-rtp" && r.kind === kind);
    return found.map((r) => ({ rid: r.rid ?? "", frames: r.framesSent ?? 0, width: r.frameWidth ?? 0,
      packets: r.packetsSent ?? 0, active: r.active ?? true }));
  }

  // The protocol of each connection's selected pair, as the local candidate names it: "udp" or "tcp".
  async function protocols() {
    const found = [];
    for (const pc of open()) {
      const stats = await pc.getStats();
      for (const report of stats.values()) {
        if (report.type !== "transport" || !report.selectedCandidatePairId) continue;
        const pair = stats.get(report.selectedCandidatePairId);
        found.push(stats.get(pair.localCandidateId).protocol);
      }
    }
    return found;
  }

  // Everything about media and connections, and what the client believes: evidence for a test that failed.
  async function dump() {
    const types = ["inbound-rtp", "outbound-rtp", "candidate-pair", "transport", "remote-inbound-rtp"];
    const state = window.rostrum?.room?.state;
    const believed = state && JSON.parse(JSON.stringify(state, (key, value) =>
      value instanceof Map ? Object.fromEntries(value) : value instanceof MediaStreamTrack ? String(value.label) : value));
    return { believed, connections: connections.map((pc) => pc.connectionState),
      reports: await reports((r) => types.includes(r.type)) };
  }

  // Set once at load: a page that was reloaded has another one.
  const born = `${Date.now()}-${Math.random()}`;

  window.__probe = { born, connections, inbound, outbound, protocols, dump };
})();
