package coaching

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Fields by kind, for the tables in codec_tables.go. All leave out a value that
// is zero, and an empty list or map, which read as nil again.

// textAt is a string.
func textAt[T any, S ~string](key string, at func(*T) *S) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if s := *at(v); s != "" {
				w.key(key)
				w.text(string(s))
			}
		},
		func(r *docReader, v *T) { *at(v) = S(r.string()) },
	}
}

// intAt is a number that may be negative.
func intAt[T any, N ~int | ~int64](key string, at func(*T) *N) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if n := *at(v); n != 0 {
				w.key(key)
				w.int(int64(n))
			}
		},
		func(r *docReader, v *T) { *at(v) = N(r.int(math.MinInt, math.MaxInt)) },
	}
}

// uintAt is a number of 64 bits without a sign.
func uintAt[T any](key string, at func(*T) *uint64) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if n := *at(v); n != 0 {
				w.key(key)
				w.uint(n)
			}
		},
		func(r *docReader, v *T) { *at(v) = r.uint() },
	}
}

// enumAt is a value of a closed set. Its numbers are part of the documents: a
// test pins them.
func enumAt[T any, E ~uint8](key string, top E, at func(*T) *E) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if e := *at(v); e != 0 {
				if e > top {
					w.fail(invalid("%q is %d", key, uint8(e)))
				}
				w.key(key)
				w.int(int64(e))
			}
		},
		func(r *docReader, v *T) { *at(v) = E(r.enum(uint8(top))) },
	}
}

// boolAt is a boolean.
func boolAt[T any](key string, at func(*T) *bool) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if *at(v) {
				w.key(key)
				w.int(1)
			}
		},
		func(r *docReader, v *T) { *at(v) = r.bool() },
	}
}

// timeAt is a moment.
func timeAt[T any](key string, at func(*T) *time.Time) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if t := *at(v); !t.IsZero() {
				w.key(key)
				w.time(t)
			}
		},
		func(r *docReader, v *T) { *at(v) = r.time() },
	}
}

// subAt is a record within a record.
func subAt[T, U any](key string, of *shape[U], at func(*T) *U) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			from := len(w.buf)
			w.key(key)
			begin := len(w.buf)
			if of.write(w, at(v)); len(w.buf) == begin+len("{}") {
				w.buf = w.buf[:from]
			}
		},
		func(r *docReader, v *T) {
			var u U
			of.read(r, &u)
			*at(v) = u
		},
	}
}

// listAt is a list of records.
func listAt[T, U any](key string, of *shape[U], at func(*T) *[]U) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			us := *at(v)
			if len(us) == 0 {
				return
			}
			w.key(key)
			w.buf = append(w.buf, '[')
			for i := range us {
				w.comma()
				of.write(w, &us[i])
			}
			w.buf = append(w.buf, ']')
		},
		func(r *docReader, v *T) {
			var us []U
			if n := r.count(); n > 0 {
				us = make([]U, 0, n) // records are large: growing would cost more than counting
			}
			r.array(func() {
				us = append(us, *new(U))
				of.read(r, &us[len(us)-1])
			})
			*at(v) = us
		},
	}
}

// textsAt is a list of strings.
func textsAt[T any, S ~string](key string, at func(*T) *[]S) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if ss := *at(v); len(ss) > 0 {
				w.key(key)
				writeTexts(w, ss)
			}
		},
		func(r *docReader, v *T) { *at(v) = readTexts[S](r) },
	}
}

func writeTexts[S ~string](w *docWriter, ss []S) {
	w.buf = append(w.buf, '[')
	for _, s := range ss {
		w.comma()
		w.text(string(s))
	}
	w.buf = append(w.buf, ']')
}

func readTexts[S ~string](r *docReader) []S {
	var ss []S
	r.array(func() { ss = append(ss, S(r.string())) })
	return ss
}

// intsAt is a list of numbers.
func intsAt[T any](key string, at func(*T) *[]int) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			if ns := *at(v); len(ns) > 0 {
				w.key(key)
				w.buf = append(w.buf, '[')
				for _, n := range ns {
					w.comma()
					w.int(int64(n))
				}
				w.buf = append(w.buf, ']')
			}
		},
		func(r *docReader, v *T) {
			var ns []int
			r.array(func() { ns = append(ns, int(r.int(math.MinInt, math.MaxInt))) })
			*at(v) = ns
		},
	}
}

// mapAt is a map; write and read are those of its values.
func mapAt[T, U any](key string, at func(*T) *map[string]U, write func(*docWriter, U), read func(*docReader) U) field[T] {
	return field[T]{key,
		func(w *docWriter, key string, v *T) {
			m := *at(v)
			if len(m) == 0 {
				return
			}
			w.key(key)
			w.buf = append(w.buf, '{')
			for _, k := range slices.Sorted(maps.Keys(m)) {
				w.comma()
				w.text(k)
				w.buf = append(w.buf, ':')
				write(w, m[k])
			}
			w.buf = append(w.buf, '}')
		},
		func(r *docReader, v *T) {
			var m map[string]U
			r.object(func(k string) {
				if m == nil {
					m = map[string]U{}
				}
				m[k] = read(r)
			})
			*at(v) = m
		},
	}
}
