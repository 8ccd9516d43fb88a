// Nanoseconds of CPU time of gnark-crypto on BN254, on one thread, as one object of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

const (
	size     = 1 << 16
	chains   = 8
	products = 1 << 11
)

// cpuTime is what this process took so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// nanoseconds is the best time of some runs, for each of count operations.
func nanoseconds(runs, count int, run func()) float64 {
	best := time.Duration(1<<63 - 1)
	for range runs {
		start := cpuTime()
		run()
		best = min(best, cpuTime()-start)
	}
	return float64(best.Nanoseconds()) / float64(count)
}

// points are a point and its sums with one other, again and again.
func points() []bn254.G1Affine {
	generator, _, _, _ := bn254.Generators()
	var step bn254.G1Jac
	step.Double(&generator)
	sums := make([]bn254.G1Jac, size)
	sums[0] = generator
	for i := 1; i < size; i++ {
		sums[i].Set(&sums[i-1]).AddAssign(&step)
	}
	return bn254.BatchJacobianToAffineG1(sums)
}

// scalars are powers of an element, cut to so many bits.
func scalars(bits int) []fr.Element {
	var base, power fr.Element
	base.SetUint64(1<<64 - 1)
	base.Square(&base).Mul(&base, &base)
	power.Set(&base)
	scalars := make([]fr.Element, size)
	for i := range scalars {
		power.Mul(&power, &base)
		scalars[i] = power
		if bits <= 64 {
			scalars[i].SetUint64(power.Bits()[0] >> (64 - bits))
		}
	}
	return scalars
}

func measure() (map[string]float64, error) {
	var factor fr.Element
	factor.SetUint64(1<<64 - 1)
	elements := [chains]fr.Element{factor, factor, factor, factor, factor, factor, factor, factor}
	figures := map[string]float64{}
	figures["field multiplication"] = nanoseconds(400, chains*products, func() {
		for range products {
			for i := range elements {
				elements[i].Mul(&elements[i], &factor)
			}
		}
	})
	points := points()
	sum, _, _, _ := bn254.Generators()
	figures["point addition"] = nanoseconds(20, size, func() {
		for i := range points {
			sum.AddMixed(&points[i])
		}
	})
	for _, bits := range []int{8, 16, 64, 254} {
		scalars := scalars(bits)
		var failure error
		name := fmt.Sprintf("committed cell, %d-bit", bits)
		figures[name] = nanoseconds(3, size, func() {
			var total bn254.G1Jac
			_, failure = total.MultiExp(points, scalars, ecc.MultiExpConfig{NbTasks: 1})
		})
		if failure != nil {
			return nil, failure
		}
	}
	return figures, nil
}

func main() {
	figures, err := measure()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
