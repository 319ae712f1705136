#!/usr/bin/env node
// Starts the binary of the package for this platform, as if it had been started itself.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const platform = `@ckpt-lsp/${process.platform}-${process.arch}`;

function binary() {
  const name = process.platform === "win32" ? "ckpt-lsp.exe" : "ckpt-lsp";
  try {
    return require.resolve(`${platform}/bin/${name}`);
  } catch {
    console.error(
      `ckpt-lsp: the package ${platform} is not installed. Install ckpt-lsp again without --omit=optional; ` +
        "where there is no such package, this platform is not supported.",
    );
    process.exit(2);
  }
}

const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`ckpt-lsp: ${error.message}`);
  process.exit(2);
});
child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
