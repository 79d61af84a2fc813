/** Figures of one received stream, summed since it began where not said otherwise. */
export interface StreamStats {
  bytesReceived: number;
  packetsReceived: number;
  packetsLost: number;
  /** Seconds. */
  jitter: number;
  /** Video only. */
  framesDecoded: number;
  framesDropped: number;
  framesPerSecond: number;
  frameWidth: number;
  frameHeight: number;
  freezeCount: number;
  /** Audio only: 0 to 1, now. */
  audioLevel: number;
  totalAudioEnergy: number;
  /** How the media travels. */
  protocol: "udp" | "tcp" | null;
  /** Seconds. */
  roundTripTime: number | null;
}

type Entry = Record<string, unknown> & { type: string; id: string };

/** Reads what matters out of a browser's report. */
export function readStats(report: Iterable<[string, unknown]>): StreamStats {
  const entries = new Map([...report].map(([id, entry]) => [id, entry as Entry]));
  const all = [...entries.values()];
  const inbound = all.find((entry) => entry.type === "inbound-rtp");
  const figure = (name: string): number => (typeof inbound?.[name] === "number" ? inbound[name] : 0);
  const pair = selectedPair(entries, all);
  const candidate = pair && entries.get(String(pair["localCandidateId"]));
  return {
    bytesReceived: figure("bytesReceived"),
    packetsReceived: figure("packetsReceived"),
    packetsLost: figure("packetsLost"),
    jitter: figure("jitter"),
    framesDecoded: figure("framesDecoded"),
    framesDropped: figure("framesDropped"),
    framesPerSecond: figure("framesPerSecond"),
    frameWidth: figure("frameWidth"),
    frameHeight: figure("frameHeight"),
    freezeCount: figure("freezeCount"),
    audioLevel: figure("audioLevel"),
    totalAudioEnergy: figure("totalAudioEnergy"),
    protocol: candidate?.["protocol"] === "tcp" ? "tcp" : candidate?.["protocol"] === "udp" ? "udp" : null,
    roundTripTime: typeof pair?.["currentRoundTripTime"] === "number" ? pair["currentRoundTripTime"] : null,
  };
}

function selectedPair(entries: Map<string, Entry>, all: Entry[]): Entry | undefined {
  const transport = all.find((entry) => entry.type === "transport" && entry["selectedCandidatePairId"]);
  const named = transport && entries.get(String(transport["selectedCandidatePairId"]));
  // Firefox names no pair on the transport.
  return named ?? all.find((entry) => entry.type === "candidate-pair" && entry["state"] === "succeeded" && entry["nominated"] === true);
}
