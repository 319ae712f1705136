class CkptLsp < Formula
  desc "Find and fix what breaks resuming and repeating PyTorch training runs"
  homepage "https://github.com/ckpt-lsp/ckpt-lsp"
  version "{{.version}}"
  license "MIT"

  on_macos do
    on_arm do
      url "{{.sources.darwin_arm64.url}}"
      sha256 "{{.sources.darwin_arm64.sha256}}"
    end
    on_intel do
      url "{{.sources.darwin_amd64.url}}"
      sha256 "{{.sources.darwin_amd64.sha256}}"
    end
  end

  on_linux do
    on_arm do
      url "{{.sources.linux_arm64.url}}"
      sha256 "{{.sources.linux_arm64.sha256}}"
    end
    on_intel do
      url "{{.sources.linux_amd64.url}}"
      sha256 "{{.sources.linux_amd64.sha256}}"
    end
  end

  def install
    bin.install "ckpt-lsp"
    generate_completions_from_executable(bin/"ckpt-lsp", "completion")
  end

  test do
    (testpath/"train.py").write <<~PYTHON
      import torch

      model = torch.nn.Linear(2, 2)
      torch.save({"model": model.state_dict}, "last.pt")
    PYTHON
    assert_match "uncalled-state-dict", shell_output("#{bin}/ckpt-lsp check train.py", 1)
    assert_match version.to_s, shell_output("#{bin}/ckpt-lsp --version")
  end
end
