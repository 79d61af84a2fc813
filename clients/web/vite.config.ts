import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const server = process.env["ROSTRUM_DEV_SERVER"] ?? "http://localhost:8080";
const proxied = ["/v1", "/auth", "/room", "/healthz", "/readyz"];

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    // The SDK is taken from its source, so that both are type-checked and built as one.
    alias: { "@rostrum/sdk": fileURLToPath(new URL("../sdk/src/index.ts", import.meta.url)) },
  },
  build: {
    target: "es2022",
    // Nothing is inlined as a data: address, so that the content security policy may stay at 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    port: 24000,
    proxy: {
      ...Object.fromEntries(proxied.map((path) => [path, { target: server, changeOrigin: true }])),
      "/socket.io": { target: server, ws: true, changeOrigin: true },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
