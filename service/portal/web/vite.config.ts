import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// What `npm run dev` talks to; the built page is served by `vdl portal` itself.
const portal = process.env["VDL_PORTAL"] ?? "https://127.0.0.1:8443";

export default defineConfig({
  plugins: [svelte()],
  worker: { format: "es" },
  build: {
    // Nothing is inlined: the content security policy allows files of this origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome137", "firefox139", "safari18"],
    cssTarget: ["chrome137", "firefox139", "safari18"],
    sourcemap: false,
  },
  server: {
    proxy: { "/api": { target: portal, secure: false }, "/auth": { target: portal, secure: false } },
  },
});
