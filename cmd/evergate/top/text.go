package top

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// printable returns a text that a terminal shows and does not obey: what is no printable character (control characters,
// invisible ones, those that change the direction, bytes that are no UTF-8) is written as \xHH or \u{HHHH}. Names come
// from clients.
func printable(text string) string {
	isClean := true
	for _, r := range text {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			isClean = false
			break
		}
	}
	if isClean {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// number is a count with commas, shortened from ten million on: "12,345", "12.3M".
func number[N int | int64 | uint64 | float64](n N) string {
	v := float64(n)
	switch {
	case math.IsNaN(v):
		return "-"
	case v >= 1e10:
		return fmt.Sprintf("%.1fG", v/1e9)
	case v >= 1e7:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v < 0:
		return "-" + number(-v)
	}
	text := strconv.FormatInt(int64(math.Round(v)), 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// rate is a number per second; below 10 with a decimal place, unless it is 0.
func rate(n float64) string {
	if n > 0 && n < 9.95 && n != math.Trunc(n) {
		return fmt.Sprintf("%.1f", n)
	}
	return number(n)
}

// size is a number of bytes: "512", "1.5K", "12M".
func size(bytes int64) string {
	v := float64(bytes)
	if v < 1024 {
		return strconv.FormatInt(bytes, 10)
	}
	unit := 0
	for v >= 1023.5 && unit < 5 {
		v /= 1024
		unit++
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f%c", v, " KMGTP"[unit])
	}
	return fmt.Sprintf("%.0f%c", v, " KMGTP"[unit])
}

// short is a time in microseconds with three digits: "210µs", "1.43ms", "2.1s"; "-" for none.
func short(us *float64) string {
	if us == nil || math.IsNaN(*us) {
		return "-"
	}
	switch v := *us; {
	case v == 0:
		return "0"
	case v < 999.5:
		return fmt.Sprintf("%.0fµs", v)
	case v < 9995:
		return fmt.Sprintf("%.2fms", v/1e3)
	case v < 99950:
		return fmt.Sprintf("%.1fms", v/1e3)
	case v < 999500:
		return fmt.Sprintf("%.0fms", v/1e3)
	default:
		return fmt.Sprintf("%.2fs", v/1e6)
	}
}

// micros and millis make the argument of short.
func micros(us float64) *float64 { return &us }
func millis(ms float64) *float64 { us := ms * 1000; return &us }

// ago is how long something has lasted, in one or two units: "12s", "3m20s", "5h12m", "3d4h".
func ago(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd%dh", s/86400, s/3600%24)
	}
}

// seconds is a duration from the JSON.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// clock is a time of day in UTC.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// bars are the characters of a sparkline, from none to all.
var bars = []rune(" ▁▂▃▄▅▆▇█")

// sparkline draws the last width values; the highest of them fills its line. A second without a value is a gap.
func sparkline(values []float64, width int) string {
	values = values[max(0, len(values)-width):]
	top := 0.0
	for _, v := range values {
		if v > top { // never NaN
			top = v
		}
	}
	return sparklineOf(values, width, top)
}

// sparklineOf draws the last width values, of which none is above top.
func sparklineOf(values []float64, width int, top float64) string {
	values = values[max(0, len(values)-width):]
	line := []rune(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		level := 0
		if v > 0 && top > 0 {
			level = max(1, int(math.Round(v/top*float64(len(bars)-1))))
		}
		line = append(line, bars[level])
	}
	return string(line)
}

// plural is "1 service" or "2 services".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}
