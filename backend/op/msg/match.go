package msg

// Match reports whether s matches a glob pattern: * any run, ? any byte,
// [abc] [^abc] [a-z] a class, \x the byte x. It takes time proportional to the
// product of the lengths at worst, without recursion.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, hit := element(pattern[p:], s[i]); hit {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// element matches one byte with the first element of a pattern, which is not a
// star; n is the element's length.
func element(p string, b byte) (n int, hit bool) {
	if p == "" {
		return 0, false
	}
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		return class(p, b)
	case '\\':
		if len(p) > 1 {
			return 2, p[1] == b
		}
	}
	return 1, p[0] == b
}

// class matches a byte with a bracket expression. One without an end reaches to
// the end of the pattern.
func class(p string, b byte) (n int, hit bool) {
	i := 1
	not := i < len(p) && p[i] == '^'
	if not {
		i++
	}
	for ; i < len(p) && p[i] != ']'; i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			i++
			hit = hit || p[i] == b
		case i+2 < len(p) && p[i+1] == '-':
			lo, hi := p[i], p[i+2]
			if lo > hi {
				lo, hi = hi, lo
			}
			hit = hit || lo <= b && b <= hi
			i += 2
		default:
			hit = hit || p[i] == b
		}
	}
	if i < len(p) {
		i++
	}
	return i, hit != not
}
