// The tests build this page into e2e/artifacts/tutorial and put it on the server's own origin under /tutorial/.
export default {
  root: import.meta.dirname,
  base: "/tutorial/",
  build: { outDir: "../artifacts/tutorial", emptyOutDir: true, minify: false, reportCompressedSize: false },
};
