// Bundles the extension into dist/, with the licences of what is bundled and the example that the walkthrough opens.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const { metafile } = await build({
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
  metafile: true,
});

const folders = Object.keys(metafile.inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
const packages = [...new Set(folders)].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (file === undefined) {
    throw new Error(`${folder} has no file with its licence`);
  }
  return { name, version, license, text: readFileSync(`${folder}/${file}`, "utf8").trim() };
});
const notices = packages.map(({ name, version, text }) => `${"-".repeat(80)}\n${name} ${version}\n\n${text}\n`);
writeFileSync("dist/NOTICE", `The extension is bundled with these packages.\n\n${notices.join("\n")}`);
// The release script lists them in its own way.
writeFileSync("dist/packages.json", JSON.stringify(packages.map(({ name, version, license }) => ({ name, version, license }))));

copyFileSync("../../testdata/scenarios/1_resnet_resume/train.py", "dist/example.py");
