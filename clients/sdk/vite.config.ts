import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    rollupOptions: { external: ["mediasoup-client", "socket.io-client"] },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
