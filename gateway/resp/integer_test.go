package resp

import "testing"

func TestIntegerAsServersReadIt(t *testing.T) {
	for word, want := range map[string]int64{
		"0": 0, "7": 7, "-7": -7, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63,
	} {
		if n, ok := Integer([]byte(word)); !ok || n != want {
			t.Errorf("%q: %d, %t", word, n, ok)
		}
	}
	for _, word := range []string{
		"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1_0", "0x1", "1.0", "--1", "9223372036854775808",
		"-9223372036854775809", "1\x00",
	} {
		if n, ok := Integer([]byte(word)); ok {
			t.Errorf("%q was taken for %d", word, n)
		}
	}
}
