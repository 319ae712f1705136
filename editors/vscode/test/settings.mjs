// Writes the server's settings, as ckpt-lsp settings prints them, into package.json; with --check it only sees that they are there.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The settings that the extension itself reads. All others are the server's. */
const own = ["ckpt-lsp.path", "ckpt-lsp.logLevel", "ckpt-lsp.trace.server"];

const file = path.resolve(import.meta.dirname, "../package.json");
const text = readFileSync(file, "utf8");
const manifest = JSON.parse(text);
const { configuration } = manifest.contributes;
const cli = process.env.CKPT_LSP_CLI ?? "ckpt-lsp";
const { properties } = JSON.parse(execFileSync(cli, ["settings"], { encoding: "utf8" }));
const generated = Object.entries(properties).map(([name, schema]) => [`ckpt-lsp.${name}`, { ...schema, scope: "resource" }]);
const kept = own.map((name) => [name, configuration.properties[name]]);
configuration.properties = Object.fromEntries([...generated, ...kept].map(([name, schema], i) => [name, { ...schema, order: i + 1 }]));
const wanted = `${JSON.stringify(manifest, null, 2)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(file, wanted);
} else if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(manifest)) {
  console.error("package.json does not hold the settings that ckpt-lsp settings prints: run node test/settings.mjs");
  process.exit(1);
}
