package resp

import "testing"

func TestReplace(t *testing.T) {
	with := [][]byte{[]byte("$1\r\nx\r\n"), []byte("*0\r\n")}
	const misfit = "-" + joinShape + "\r\n"
	for _, c := range []struct {
		array  string
		places []int
		want   string
	}{
		{"*3\r\n:1\r\n*2\r\n:2\r\n:3\r\n+PONG\r\n", []int{0, 2}, "*3\r\n$1\r\nx\r\n*2\r\n:2\r\n:3\r\n*0\r\n"},
		{"*2\r\n+PONG\r\n+PONG\r\n", []int{0, 1}, "*2\r\n$1\r\nx\r\n*0\r\n"},
		{"*2\r\n:1\r\n:2\r\n", nil, "*2\r\n:1\r\n:2\r\n"},
		{"*1\r\n:1\r\n", []int{0, 1}, misfit},
		{"*-1\r\n", []int{0, 1}, misfit},
		{":1\r\n", []int{0, 1}, misfit},
		{"*3\r\n:1\r\n:2\r\n", []int{0, 1}, misfit},
		{"*2\r\n:1\r\n:2\r\n:3\r\n", []int{0, 1}, misfit},
	} {
		if got := string(Replace([]byte("+A\r\n"), []byte(c.array), c.places, with)); got != "+A\r\n"+c.want {
			t.Errorf("%q at %v: %q", c.array, c.places, got)
		}
	}
}
