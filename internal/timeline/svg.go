package timeline

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Measures of the picture, in pixels.
const (
	pageWidth  = 960
	plotLeft   = 150
	plotWidth  = pageWidth - plotLeft - 24
	rowHeight  = 26
	barHeight  = 16
	chartTall  = 150
	lineHeight = 17
	lineChars  = 128 // of the notes
)

// The colours on a light and on a dark ground.
const (
	light = "--bg: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d1d9e0; --runs: #2f6fb0; --again: #b35900; --bad: #c4242f; --file: #1a7f4b; --gone: #8a939c;"
	dark  = "--bg: #0f1318; --ink: #e8ecf0; --soft: #a2abb5; --grid: #39424c; --runs: #6aa9e9; --again: #e59a4d; --bad: #ff7b7f; --file: #56c98a; --gone: #808a94;"
)

// style colours the picture for light and dark surroundings. A page around it may choose with a class: VS Code's themes have theirs.
const style = `
.ckpt-timeline { ` + light + ` }
@media (prefers-color-scheme: dark) { .ckpt-timeline { ` + dark + ` } }
.ckpt-light .ckpt-timeline, .vscode-light .ckpt-timeline, .vscode-high-contrast-light .ckpt-timeline { ` + light + ` }
.ckpt-dark .ckpt-timeline, .vscode-dark .ckpt-timeline, .vscode-high-contrast:not(.vscode-high-contrast-light) .ckpt-timeline { ` + dark + ` }
.ckpt-timeline text { fill: var(--ink); font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
.ckpt-timeline .head { font-size: 15px; font-weight: 600; }
.ckpt-timeline .soft { fill: var(--soft); font-size: 12px; }
.ckpt-timeline .code { font-family: ui-monospace, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
.ckpt-timeline .warn { fill: var(--bad); font-weight: 600; }
.ckpt-timeline .page { fill: var(--bg); }
.ckpt-timeline .grid { stroke: var(--grid); fill: none; }
.ckpt-timeline .stop { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
.ckpt-timeline .runs { fill: var(--runs); }
.ckpt-timeline .repeats { fill: none; stroke: var(--runs); stroke-width: 2; }
.ckpt-timeline .twice { stroke: var(--bad); stroke-width: 1.5; }
.ckpt-timeline .skipped { fill: none; stroke: var(--bad); stroke-width: 2; stroke-dasharray: 4 2; }
.ckpt-timeline .unknown { stroke: var(--soft); stroke-dasharray: 2 2; }
.ckpt-timeline .file { fill: var(--file); }
.ckpt-timeline .gone { stroke: var(--gone); stroke-width: 2; fill: none; }
.ckpt-timeline .maybe { fill: none; stroke: var(--file); stroke-width: 1.5; }
.ckpt-timeline .risk { fill: none; stroke: var(--bad); stroke-width: 1.5; }
.ckpt-timeline .bad { fill: var(--bad); }
.ckpt-timeline .alone { stroke: var(--runs); stroke-width: 5; fill: none; opacity: .45; }
.ckpt-timeline .after { stroke: var(--again); stroke-width: 2; fill: none; }
.ckpt-timeline .lines-bad { stroke: var(--bad); stroke-width: 2; }
.ckpt-timeline .lines-soft { stroke: var(--soft); stroke-width: 1.2; }
`

// SVG is the timelines as one picture, with nothing in it that is not drawn: no script, no font or image of elsewhere.
func SVG(of string, all []Timeline) string {
	p := &painter{}
	title := "Timeline of " + text.Printable(of)
	var about []string
	p.y = 30
	p.text(20, "head", title)
	if len(all) == 0 {
		about = []string{Nothing(of)}
		p.y += 26
		p.text(20, "soft", Nothing(of))
	}
	for i := range all {
		p.timeline(&all[i])
		about = append(about, all[i].Loop.String()+": "+strings.Join(all[i].summary(), " "))
	}
	p.y += 20
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="ckpt-timeline" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="ckpt-title ckpt-about">
<title id="ckpt-title">%s</title>
<desc id="ckpt-about">%s</desc>
<style>%s</style>
<defs>
<pattern id="ckpt-unknown" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="lines-soft" x1="0" y1="0" x2="0" y2="8"/></pattern>
<pattern id="ckpt-twice" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><line class="lines-bad" x1="0" y1="0" x2="0" y2="6"/></pattern>
</defs>
<rect class="page" width="%d" height="%d" rx="6"/>
%s</svg>
`, pageWidth, p.y, pageWidth, p.y, escaped(title), escaped(strings.Join(about, "\n")), style, pageWidth, p.y, p.out.String())
}

// escaped is a text as it stands in XML, which has no place for control characters.
func escaped(s string) string { return html.EscapeString(text.PrintableLines(s)) }

// painter draws from top to bottom.
type painter struct {
	out strings.Builder
	y   int
	t   *Timeline
	// words stand over the bars of a row.
	words []string
}

func (p *painter) put(format string, a ...any) { fmt.Fprintf(&p.out, format+"\n", a...) }

func (p *painter) text(x int, class, s string) {
	p.put(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, p.y, escaped(s))
}

// x is where a round begins.
func (p *painter) x(n int64) float64 {
	return plotLeft + float64(n-p.t.Drawn.From)/float64(p.t.Drawn.count())*plotWidth
}

func (p *painter) timeline(t *Timeline) {
	p.t = t
	p.y += 34
	p.text(20, "code", clip(t.Loop.String()+"  "+t.Loop.Text, 120))
	for _, l := range wrapped(t.Headline(), lineChars) {
		p.y += lineHeight
		p.text(20, "soft", l)
	}
	p.y += 16
	p.axis()
	top := p.y
	for _, r := range t.rows() {
		p.row(r)
	}
	if more := len(t.Saves) - mostFiles; more > 0 {
		p.y += lineHeight
		p.text(plotLeft, "soft", fmt.Sprintf("and %d more files", more))
	}
	for i := range t.Rates {
		p.rate(&t.Rates[i])
	}
	x := p.x(t.Interrupted.After + 1)
	p.put(`<line class="stop" x1="%.1f" y1="%d" x2="%.1f" y2="%d"><title>%s</title></line>`, x, top-4, x, p.y+2, escaped("interrupted after "+t.Unit+" "+t.number(t.Interrupted.After)))
	p.y += 8
	p.legend()
	p.notes()
}

// axis draws the numbers of the rounds, each in the middle of its round.
func (p *painter) axis() {
	count := p.t.Drawn.count()
	step := int64(1)
	for _, s := range []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000} {
		if step = s; count/s <= 20 {
			break
		}
	}
	p.y += 14
	p.put(`<text class="soft" x="%d" y="%d" text-anchor="end">%s</text>`, plotLeft-10, p.y, escaped(p.t.Unit))
	half := plotWidth / float64(count) / 2
	for n := p.t.Drawn.From; n <= p.t.Drawn.To; n++ {
		if (n-p.t.Drawn.From)%step != 0 {
			continue
		}
		p.put(`<text class="soft" x="%.1f" y="%d" text-anchor="middle">%s</text>`, p.x(n)+half, p.y, p.t.number(n))
	}
	p.y += 6
	p.put(`<line class="grid" x1="%d" y1="%d" x2="%d" y2="%d"/>`, plotLeft, p.y, plotLeft+plotWidth, p.y)
}

// row draws neighbouring rounds of one mark as one bar, and files as signs where there is room.
func (p *painter) row(r row) {
	p.y += rowHeight
	base := p.y
	p.put(`<g><title>%s</title>`, escaped(r.about))
	p.put(`<text x="%d" y="%d" text-anchor="end">%s</text>`, plotLeft-10, base-4, escaped(middle(r.label, 17)))
	room := plotWidth / float64(p.t.Drawn.count())
	for n := p.t.Drawn.From; n <= p.t.Drawn.To; {
		m, end := r.in(n), n
		for end < p.t.Drawn.To && r.in(end+1) == m {
			end++
		}
		switch {
		case m == blank:
		case r.files && m != perhaps && (room >= 12 || room >= 7 && m != improves && m != risky && m != counted):
			for at := n; at <= end; at++ {
				p.sign(m, (p.x(at)+p.x(at+1))/2, float64(base)-8)
			}
		default:
			p.bar(m, n, end, float64(base))
		}
		n = end + 1
	}
	p.out.WriteString(strings.Join(p.words, "\n"))
	p.words = nil
	p.put(`</g>`)
}

// bar draws rounds of one mark.
func (p *painter) bar(m mark, from, to int64, base float64) {
	x, width := p.x(from), max(p.x(to+1)-p.x(from), 3)
	gap := math.Min(1, width/8)
	y, high := base-barHeight, float64(barHeight)
	if m == writes || m == gone || m == improves || m == risky || m == counted {
		y, high = base-11, 6
	}
	class, fill, word := "", "", ""
	switch m {
	case runs:
		class = "runs"
	case repeats:
		class = "repeats"
		x, y, width, high = x+1, y+1, max(width-2, 2), high-2
	case twice:
		class, fill, word = "twice", ` fill="url(#ckpt-twice)"`, "2×"
	case cut:
		class, fill, word = "twice", ` fill="url(#ckpt-twice)"`, "½"
	case skipped:
		class, word = "skipped", "✕"
	case perhaps:
		class, fill, word = "unknown", ` fill="url(#ckpt-unknown)"`, "?"
	case writes:
		class = "file"
	case gone:
		class = "gone"
	case improves:
		class = "maybe"
	case risky:
		class, word = "skipped", "may be deleted,"
	case counted:
		class = "bad"
	}
	p.put(`<rect class="%s"%s x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`, class, fill, x+gap/2, y, width-gap, high,
		escaped(p.t.these(Stretch{from, to, 1})+": "+marks[m].name))
	switch {
	case word == "":
	case m == perhaps && width < 14:
	case m == perhaps:
		p.put(`<rect class="page" x="%.1f" y="%.1f" width="12" height="%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">?</text>`, x+width/2-6, y+1, high-2, x+width/2, base-3)
	default: // in the bar or beside it, over what is drawn there
		at, anchor := x-4, "end"
		if word += " " + p.t.these(Stretch{from, to, 1}); width > 150 {
			at, anchor = x+width/2, "middle"
		} else if at < plotLeft+110 {
			at, anchor = x+width+4, "start"
		}
		p.words = append(p.words, fmt.Sprintf(`<text class="warn" x="%.1f" y="%.1f" text-anchor="%s" paint-order="stroke" stroke="var(--bg)" stroke-width="5">%s</text>`, at, base-3, anchor, escaped(word)))
	}
}

// sign draws a file of one round.
func (p *painter) sign(m mark, x, y float64) {
	switch m {
	case writes:
		p.put(`<circle class="file" cx="%.1f" cy="%.1f" r="4"/>`, x, y)
	case gone:
		p.put(`<path class="gone" d="M%.1f %.1fl7 7m0 -7l-7 7"/>`, x-3.5, y-3.5)
	case improves:
		p.put(`<path class="maybe" d="%s"/>`, star(x, y, 5.5))
	case risky:
		p.put(`<path class="risk" d="%s"/>`, star(x, y, 5.5))
	case counted:
		p.put(`<path class="bad" d="%s"/>`, star(x, y, 7))
	}
}

// star is a star of five points.
func star(x, y, r float64) string {
	var out strings.Builder
	for i := range 10 {
		far := r
		if i%2 == 1 {
			far = r * 0.45
		}
		at := math.Pi * (float64(i)/5 - 0.5)
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&out, "%s%.1f %.1f", command, x+far*math.Cos(at), y+far*math.Sin(at))
	}
	return out.String() + "Z"
}

// rate draws the learning rates of both runs.
func (p *painter) rate(r *Rate) {
	p.y += 14
	tall := chartTall
	if r.Reason != "" {
		tall = 44
	}
	top, bottom := float64(p.y), float64(p.y+tall)
	p.put(`<g><title>%s</title>`, escaped("The learning rate of "+r.Scheduler+": "+p.t.Says(*r)))
	for i, l := range wrappedBy([]string{"learning rate", clip(r.Scheduler, 19)}, " ", 19) {
		p.put(`<text x="%d" y="%.1f" text-anchor="end">%s</text>`, plotLeft-10, (top+bottom)/2-4+float64(i)*16, escaped(l))
	}
	p.put(`<rect class="grid" x="%d" y="%.1f" width="%d" height="%d"/>`, plotLeft, top, plotWidth, tall)
	if r.Reason != "" {
		p.unknown(plotLeft, top, plotWidth, float64(tall), r.Reason)
	} else {
		s := scaleOf(r, top, bottom)
		p.put(`<text class="soft" x="%d" y="%.1f" text-anchor="end">%.3g</text>`, plotLeft-10, top+10, s.high)
		p.put(`<text class="soft" x="%d" y="%.1f" text-anchor="end">%.3g</text>`, plotLeft-10, bottom, s.low)
		if x := p.x(p.t.Interrupted.After + 1); r.ResumedReason != "" {
			p.unknown(x, top+float64(chartTall)-34, float64(plotLeft+plotWidth)-x, 30, "resumed: "+r.ResumedReason)
		}
		p.curve("alone", r.uninterrupted, s)
		p.curve("after", r.resumed, s)
		if n := r.Differs; n != nil {
			got, _ := r.resumed(*n)
			x := p.x(*n)
			anchor := "start"
			if x > plotLeft+plotWidth-280 {
				anchor = "end"
			}
			p.put(`<circle class="bad" cx="%.1f" cy="%.1f" r="4.5"/>`, x, s.y(got))
			want, _ := r.uninterrupted(*n)
			y := s.y(got) - 9
			if y < top+14 {
				y = s.y(got) + 20
			}
			p.put(`<text class="warn" x="%.1f" y="%.1f" text-anchor="%s" paint-order="stroke" stroke="var(--bg)" stroke-width="4">%s</text>`, x, y, anchor,
				escaped(fmt.Sprintf("%s %s: %.4g instead of %.4g", p.t.Unit, p.t.number(*n), got, want)))
		}
	}
	p.put(`</g>`)
	p.y += tall
}

// unknown draws a hatched field with the reason in it.
func (p *painter) unknown(x, y, width, high float64, why string) {
	p.put(`<rect class="unknown" fill="url(#ckpt-unknown)" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x, y, width, high)
	p.put(`<text class="soft" x="%.1f" y="%.1f" text-anchor="middle" paint-order="stroke" stroke="var(--bg)" stroke-width="6">%s</text>`, x+width/2, y+high/2+4,
		escaped("? "+clip(why, int(width/6.5))))
}

// scale turns rates into heights: by their logarithms where a few of them are far apart.
type scale struct {
	low, high, top, bottom float64
	log                    bool
}

func scaleOf(r *Rate, top, bottom float64) scale {
	s := scale{low: math.Inf(1), high: math.Inf(-1), top: top + 8, bottom: bottom - 8}
	values := map[float64]bool{}
	for _, rates := range [][]float64{r.alone, r.afterwds} {
		for _, lr := range rates {
			if !math.IsNaN(lr) {
				s.low, s.high = min(s.low, lr), max(s.high, lr)
				values[lr] = true
			}
		}
	}
	if s.log = len(values) <= 16 && s.low > 0 && s.high/s.low > 20; !s.log && s.low < s.high/2 {
		s.low = min(s.low, 0)
	}
	return s
}

func (s scale) y(lr float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, lr = math.Log(low), math.Log(high), math.Log(lr)
	}
	if high == low {
		return (s.top + s.bottom) / 2
	}
	return s.bottom - (lr-low)/(high-low)*(s.bottom-s.top)
}

// curve draws the rates of a run: level within each round.
func (p *painter) curve(class string, rate func(int64) (float64, bool), s scale) {
	var path strings.Builder
	const most = 2000
	step := max(1, p.t.Drawn.count()/most)
	drawn := false
	for n := p.t.Drawn.From; n <= p.t.Drawn.To; n += step {
		lr, ok := rate(n)
		if !ok {
			drawn = false
			continue
		}
		command := "L"
		if !drawn {
			command, drawn = "M", true
		}
		fmt.Fprintf(&path, "%s%.1f %.1fH%.1f", command, p.x(n), s.y(lr), p.x(min(n+step, p.t.Drawn.To+1)))
	}
	if path.Len() > 0 {
		p.put(`<path class="%s" d="%s"/>`, class, path.String())
	}
}

// legend explains the marks that are drawn.
func (p *painter) legend() {
	used := map[mark]bool{}
	for _, r := range p.t.rows() {
		for n := p.t.Drawn.From; n <= p.t.Drawn.To; n++ {
			used[r.in(n)] = true
		}
	}
	p.y += rowHeight
	x := float64(plotLeft)
	item := func(width float64, draw func(x, y float64), name string) {
		long := width + 6 + 6.6*float64(len([]rune(name))) + 18
		if x+long > plotLeft+plotWidth && x > plotLeft {
			x = plotLeft
			p.y += 20
		}
		draw(x, float64(p.y))
		p.put(`<text class="soft" x="%.1f" y="%d">%s</text>`, x+width+6, p.y, escaped(name))
		x += long
	}
	for m := runs; m <= skipped; m++ {
		if !used[m] {
			continue
		}
		item(18, func(x, y float64) {
			switch m {
			case writes, gone, improves, risky, counted:
				p.sign(m, x+9, y-4)
			default:
				class, fill := map[mark]string{runs: "runs", repeats: "repeats", perhaps: "unknown", twice: "twice", cut: "twice", skipped: "skipped"}[m], ""
				switch m {
				case perhaps:
					fill = ` fill="url(#ckpt-unknown)"`
				case twice, cut:
					fill = ` fill="url(#ckpt-twice)"`
				}
				p.put(`<rect class="%s"%s x="%.1f" y="%.1f" width="16" height="10"/>`, class, fill, x+1, y-9)
			}
		}, marks[m].name)
	}
	for i := range p.t.Rates {
		if p.t.Rates[i].Reason != "" {
			continue
		}
		item(26, func(x, y float64) { p.put(`<path class="alone" d="M%.1f %.1fh24"/>`, x, y-4) }, "learning rate, uninterrupted")
		if p.t.Rates[i].ResumedReason == "" {
			item(26, func(x, y float64) { p.put(`<path class="after" d="M%.1f %.1fh24"/>`, x, y-4) }, "resumed")
		}
		break
	}
	item(18, func(x, y float64) {
		p.put(`<line class="stop" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x+9, y-11, x+9, y+2)
	}, "the interruption")
}

// notes are the sentences below the picture.
func (p *painter) notes() {
	p.y += 8
	say := func(class, s string) {
		for _, l := range wrapped(s, lineChars) {
			p.y += lineHeight
			p.text(20, class, l)
			class = strings.Replace(class, "warn", "", 1)
		}
	}
	for _, s := range p.t.summary() {
		say("", s)
	}
	for _, f := range p.t.Flaws {
		p.y += 3
		say("warn", fmt.Sprintf("%s %s (%s)", f.Code, f.Name, p.t.place(f.Site)))
		say("", f.Message)
	}
	if len(p.t.Unknown) > 0 {
		p.y += 3
		say("soft", "Not known: "+strings.Join(p.t.Unknown, "; ")+".")
	}
}
