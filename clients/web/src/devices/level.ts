/** Times a second that a meter moves. */
const RATE = 12;

/**
 * Watches how loud a local track is, for the lobby's meter. An analyser of our own rather than the hark library:
 * who speaks on stage is the server's word (activeSpeaker, audioLevels), and a meter needs no more than this.
 *
 * @param onLevel called with 0 (silent) to 1
 * @returns ends it
 */
export function watchLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, 1000 / RATE);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}

/** From samples in −1 … 1 to 0 … 1 on a scale that ears find even: −54 dB is nothing, −9 dB is full. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  const decibels = 10 * Math.log10(power + 1e-12);
  return Math.max(0, Math.min(1, (decibels + 54) / 45));
}
