package page

import (
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// The measures of the picture, in pixels.
const (
	width, panel           = 960, 250
	left, right, top, foot = 76, 16, 30, 34
	legend                 = 26
	titled                 = 100 // the most that the name of a panel takes
)

// WritePicture draws the learning rates, and below them the losses, of runs over one axis of steps as an SVG picture, and the steps that
// mean something as lines across. It follows the reader's choice of dark or light and needs no font of its own.
func WritePicture(w io.Writer, r *prove.Report) error {
	p := &picture{curves: r.Curves, marks: marks(r)}
	p.draw()
	_, err := io.WriteString(w, p.String())
	return err
}

// mark is a step that means something; one beside another needs no text.
type mark struct {
	step float64
	text string
}

// marks are where the run was resumed, and where it differs first.
func marks(r *prove.Report) []mark {
	var out []mark
	a := r.Resume
	if a == nil || len(r.Curves) < 2 {
		return nil
	}
	out = append(out, mark{float64(a.Step), fmt.Sprintf("resumed from step %d", a.Step)})
	for _, d := range a.Differences[:min(1, len(a.Differences))] {
		out[0].text += fmt.Sprintf(", differs from step %d on", d.Step)
		out = append(out, mark{step: float64(d.Step)})
	}
	return out
}

type picture struct {
	strings.Builder
	curves []prove.Curve
	marks  []mark
	steps  scale
}

// scale maps values to pixels.
type scale struct{ least, greatest, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.greatest == s.least {
		return (s.from + s.to) / 2
	}
	return s.from + (v-s.least)/(s.greatest-s.least)*(s.to-s.from)
}

// ticks are round numbers on a scale, about so many.
func (s scale) ticks(about float64) []float64 {
	span := s.greatest - s.least
	if !(span > 0) {
		return []float64{s.least}
	}
	unit := math.Pow(10, math.Floor(math.Log10(span/about)))
	for _, times := range []float64{1, 2, 5, 10} {
		if span/(unit*times) <= about {
			unit *= times
			break
		}
	}
	var out []float64
	for i := math.Ceil(s.least / unit); i*unit <= s.greatest*(1+1e-9); i++ {
		out = append(out, i*unit)
	}
	return out
}

// style is that of the picture: colours that people who see few of them tell apart, in dark and in light.
const style = `
  svg { font: 12px system-ui, sans-serif; --ink: #24292f; --faint: #d0d7de; --ground: #ffffff; --a: #0072b2; --b: #d55e00; --c: #009e73; --d: #cc79a7; color: var(--ink) }
  @media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --faint: #444c56; --ground: #0d1117; --a: #56b4e9; --b: #e69f00; --c: #2bd4a4; --d: #e9a3c9 } }
  text { fill: var(--ink) }
  .title { font-weight: 600 }
  .grid { stroke: var(--faint); stroke-width: 1 }
  .mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 3 }
  .curve { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
  .k0 { stroke: var(--a) } .k1 { stroke: var(--b); stroke-dasharray: 7 5 } .k2 { stroke: var(--c); stroke-dasharray: 3 5 } .k3 { stroke: var(--d); stroke-dasharray: 10 4 2 4 }
`

// looks is how many curves are told apart.
const looks = 4

func (p *picture) draw() {
	p.steps = scale{from: left, to: width - right}
	p.steps.least, p.steps.greatest = p.extremes(func(c prove.Curve) prove.Numbers { return c.Steps })
	high := legend + 2*panel
	fmt.Fprintf(p, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Learning rate and loss of the runs\">\n<style>%s</style>\n", width, high, style)
	fmt.Fprintf(p, "<rect width=\"%d\" height=\"%d\" style=\"fill: var(--ground)\"/>\n", width, high)
	x := left
	for i, c := range p.curves {
		fmt.Fprintf(p, "<path class=\"curve k%d\" d=\"M%d %d h34\"/><text x=\"%d\" y=\"%d\">%s</text>\n", i%looks, x, legend-8, x+42, legend-4, html.EscapeString(c.Name))
		x += 60 + 8*len(c.Name)
	}
	p.panel(legend, "learning rate", func(c prove.Curve) prove.Numbers { return c.Rates })
	p.panel(legend+panel, "loss", func(c prove.Curve) prove.Numbers { return c.Losses })
	p.WriteString("</svg>\n")
}

// panel draws one quantity over the steps.
func (p *picture) panel(y int, name string, values func(prove.Curve) prove.Numbers) {
	s := scale{from: float64(y + panel - foot), to: float64(y + top)}
	s.least, s.greatest = p.extremes(values)
	fmt.Fprintf(p, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", left, y+top-10, name)
	if s.least > s.greatest {
		fmt.Fprintf(p, "<text x=\"%d\" y=\"%d\">none was seen</text>\n", left, y+panel/2)
		return
	}
	// From zero, so that a constant is seen to be one.
	s.least, s.greatest = min(0, s.least), max(0, s.greatest)
	s.greatest += (s.greatest - s.least) * 0.05
	for _, v := range s.ticks(5) {
		fmt.Fprintf(p, "<path class=\"grid\" d=\"M%d %.1f H%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left, s.at(v), width-right, left-8, s.at(v)+4, number(v))
	}
	for _, v := range p.steps.ticks(8) {
		if v == math.Trunc(v) {
			fmt.Fprintf(p, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", p.steps.at(v), s.from+16, number(v))
		}
	}
	fmt.Fprintf(p, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">optimizer step</text>\n", width-right, s.from+30)
	for _, m := range p.marks {
		x, anchor := max(p.steps.at(m.step), left+titled), "start"
		if x > width*2/3 {
			anchor = "end"
		}
		fmt.Fprintf(p, "<path class=\"mark\" d=\"M%.1f %.1f V%d\"/>", p.steps.at(m.step), s.from, y+top-6)
		fmt.Fprintf(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y+top-10, anchor, html.EscapeString(m.text))
	}
	for i, c := range p.curves {
		fmt.Fprintf(p, "<path class=\"curve k%d\" d=\"%s\"/>\n", i%looks, p.line(c.Thinned(), values, s))
	}
}

// line is a path through the values, with gaps where there is no number; one that stands alone is a dot.
func (p *picture) line(c prove.Curve, values func(prove.Curve) prove.Numbers, s scale) string {
	var out strings.Builder
	pen, alone := false, false
	for i, v := range values(c) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if alone {
				out.WriteString("h0")
			}
			pen, alone = false, false
			continue
		}
		command := "L"
		if !pen {
			command = "M"
		}
		fmt.Fprintf(&out, "%s%.1f %.1f", command, p.steps.at(c.Steps[i]), s.at(v))
		pen, alone = true, !pen
	}
	if alone {
		out.WriteString("h0")
	}
	return out.String()
}

// extremes are the least and the greatest value that curves show; the least is above the greatest where they show none.
func (p *picture) extremes(values func(prove.Curve) prove.Numbers) (least, greatest float64) {
	least, greatest = math.Inf(1), math.Inf(-1)
	for _, c := range p.curves {
		for _, v := range values(c) {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				least, greatest = min(least, v), max(greatest, v)
			}
		}
	}
	return least, greatest
}

// number is a number as an axis shows it.
func number(v float64) string {
	if math.Abs(v) >= 1e5 && math.Abs(v) < 1e7 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
