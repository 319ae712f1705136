import * as os from "node:os";
import * as path from "node:path";

/** A place where the server may be, and how it came to be looked at. */
export interface Candidate {
  readonly file: string;
  readonly from: string;
}

/** All that decides where the server is looked for. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  /** Whether the workspace is trusted. In one that is not, nothing but the bundled server is run. */
  readonly trusted: boolean;
  /** The setting ckpt-lsp.path, empty when it is not set. */
  readonly setting: string;
  /** The folders of the workspace. */
  readonly folders: readonly string[];
  /** The folder of the selected Python environment, where the Python extension tells one. */
  readonly environment: string | undefined;
  /** The folder in which the extension is installed. */
  readonly extension: string;
}

/** The places where the server may be, the first one that works is to be used. */
export function candidates(s: Surroundings): Candidate[] {
  const bundled = { file: path.join(s.extension, "bundled", "bin", binary(s)), from: "bundled with the extension" };
  if (!s.trusted) {
    return [bundled];
  }
  const found: Candidate[] = [];
  if (s.setting !== "") {
    found.push({ file: expand(s.setting, s), from: "the setting ckpt-lsp.path" });
  }
  for (const folder of environments(s)) {
    found.push({ file: path.join(folder, s.platform === "win32" ? "Scripts" : "bin", binary(s)), from: `the Python environment ${folder}` });
  }
  for (const folder of searchPath(s)) {
    found.push({ file: path.join(folder, binary(s)), from: "PATH" });
  }
  found.push(bundled);
  return found.filter((c, i) => found.findIndex((d) => d.file === c.file) === i);
}

function binary(s: Surroundings): string {
  return s.platform === "win32" ? "ckpt-lsp.exe" : "ckpt-lsp";
}

/** The Python environments: the selected one, the active one, and those that lie in the workspace's folders. */
function environments(s: Surroundings): string[] {
  const active = s.env["VIRTUAL_ENV"];
  const inFolders = s.folders.flatMap((folder) => [path.join(folder, ".venv"), path.join(folder, "venv")]);
  return [s.environment, active, ...inFolders].filter((folder) => folder !== undefined && folder !== "") as string[];
}

/** The folders of PATH. Relative ones are left out: what they mean depends on the folder one stands in. */
function searchPath(s: Surroundings): string[] {
  const [, value] = Object.entries(s.env).find(([name]) => name.toUpperCase() === "PATH") ?? [];
  return (value ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
}

/** A path with ~ and ${workspaceFolder} replaced; a relative one starts in the first folder. */
function expand(setting: string, s: Surroundings): string {
  const folder = s.folders[0] ?? "";
  const expanded = setting.replace(/^~(?=$|[\\/])/, () => os.homedir()).replaceAll("${workspaceFolder}", () => folder);
  return path.isAbsolute(expanded) ? expanded : path.join(folder, expanded);
}
