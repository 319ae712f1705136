// The folder that the tests open: the scenarios, an example of each family of rules, and a notebook.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const testdata = path.resolve(import.meta.dirname, "../../../testdata");

/** Fills a folder. */
export function fill(folder) {
  mkdirSync(path.join(folder, "families"), { recursive: true });
  for (const { name } of readdirSync(path.join(testdata, "scenarios"), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    mkdirSync(path.join(folder, name));
    cpSync(path.join(testdata, "scenarios", name, "train.py"), path.join(folder, name, "train.py"));
  }
  const families = new Set();
  for (const name of readdirSync(path.join(testdata, "rules")).sort()) {
    const family = name.slice(0, 4);
    const example = families.has(family) ? undefined : firstExample(readFileSync(path.join(testdata, "rules", name), "utf8"));
    if (example !== undefined) {
      families.add(family);
      writeFileSync(path.join(folder, "families", `${family.toLowerCase()}.py`), example);
    }
  }
  cpSync(path.join(testdata, "notebooks", "train.ipynb"), path.join(folder, "notebook.ipynb"));
}

/** The first Python example of a rule's page that is flagged. */
function firstExample(page) {
  const flagged = [...page.matchAll(/^```py\n(.*?)^```$/gms)].map(([, code]) => code).find((code) => /#.*\[CKP\d+\]/.test(code));
  return flagged?.replaceAll(/ *# (error|warning|information|hint): \[CKP.*$/gm, "");
}
