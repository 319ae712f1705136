// Bundles the extension into dist/, with the example that the walkthrough opens.
import { copyFileSync } from "node:fs";
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});
copyFileSync("../../testdata/scenarios/1_resnet_resume/train.py", "dist/example.py");
