/* The arithmetic of _mel.c for vectors of LANES floats. This file is included once for each kind
 * of processor, with LANES and NAME(function) defined. */

typedef float NAME(vec) __attribute__((vector_size(4 * LANES)));

/* One complex number for each of LANES frames. */
typedef struct {
    NAME(vec) re, im;
} NAME(row);

/* Set z[k] to samples 2k and 2k + 1 of the windowed frames, as real and imaginary parts. The `n`
 * frames are `hop` samples apart, and the remaining lanes repeat the last frame. */
static void NAME(load)(const float *x, Py_ssize_t hop, Py_ssize_t n, const float *window,
                       NAME(row) * z, int half)
{
    const float *frame[LANES];
    for (int lane = 0; lane < LANES; lane++)
        frame[lane] = x + (lane < n ? lane : n - 1) * hop;
    for (int k = 0; k < half; k += 2) {
        float4 w;
        memcpy(&w, window + 2 * k, sizeof w);
        for (int lane = 0; lane < LANES; lane += 4) {
            /* Four samples of four frames, transposed: the frames of each sample are neighbors. */
            float4 a, b, c, d;
            memcpy(&a, frame[lane] + 2 * k, sizeof a);
            memcpy(&b, frame[lane + 1] + 2 * k, sizeof b);
            memcpy(&c, frame[lane + 2] + 2 * k, sizeof c);
            memcpy(&d, frame[lane + 3] + 2 * k, sizeof d);
            a *= w, b *= w, c *= w, d *= w;
            float4 ab = SHUFFLE(a, b, 0, 4, 1, 5), cd = SHUFFLE(c, d, 0, 4, 1, 5);
            float4 ab2 = SHUFFLE(a, b, 2, 6, 3, 7), cd2 = SHUFFLE(c, d, 2, 6, 3, 7);
            float4 re0 = SHUFFLE(ab, cd, 0, 1, 4, 5), im0 = SHUFFLE(ab, cd, 2, 3, 6, 7);
            float4 re1 = SHUFFLE(ab2, cd2, 0, 1, 4, 5), im1 = SHUFFLE(ab2, cd2, 2, 3, 6, 7);
            memcpy((float *)&z[k].re + lane, &re0, sizeof re0);
            memcpy((float *)&z[k].im + lane, &im0, sizeof im0);
            memcpy((float *)&z[k + 1].re + lane, &re1, sizeof re1);
            memcpy((float *)&z[k + 1].im + lane, &im1, sizeof im1);
        }
    }
}

/* Fourier transform of `half` complex numbers in place by decimation in frequency: passes of radix
 * 4, and a last one of radix 2 if `half` is not a power of four. The result is in digit-reversed
 * order. */
static void NAME(transform)(NAME(row) * z, const float *cosine, const float *sine, int half)
{
    int n = half;
    for (; n >= 4; n /= 4) {
        int quarter = n / 4, step = half / n;
        for (int start = 0; start < half; start += n) {
            for (int j = 0; j < quarter; j++) {
                float c1 = cosine[j * step], s1 = sine[j * step];
                float c2 = cosine[2 * j * step], s2 = sine[2 * j * step];
                float c3 = cosine[3 * j * step], s3 = sine[3 * j * step];
                NAME(row) *p = z + start + j;
                NAME(row) a = p[0], b = p[quarter], c = p[2 * quarter], d = p[3 * quarter];
                NAME(vec) even_re = a.re + c.re, even_im = a.im + c.im;
                NAME(vec) odd_re = a.re - c.re, odd_im = a.im - c.im;
                NAME(vec) sum_re = b.re + d.re, sum_im = b.im + d.im;
                /* -i (b - d) */
                NAME(vec) turned_re = b.im - d.im, turned_im = d.re - b.re;
                p[0].re = even_re + sum_re;
                p[0].im = even_im + sum_im;
                NAME(vec) y1_re = odd_re + turned_re, y1_im = odd_im + turned_im;
                NAME(vec) y2_re = even_re - sum_re, y2_im = even_im - sum_im;
                NAME(vec) y3_re = odd_re - turned_re, y3_im = odd_im - turned_im;
                p[quarter].re = y1_re * c1 + y1_im * s1;
                p[quarter].im = y1_im * c1 - y1_re * s1;
                p[2 * quarter].re = y2_re * c2 + y2_im * s2;
                p[2 * quarter].im = y2_im * c2 - y2_re * s2;
                p[3 * quarter].re = y3_re * c3 + y3_im * s3;
                p[3 * quarter].im = y3_im * c3 - y3_re * s3;
            }
        }
    }
    if (n == 2)
        for (int start = 0; start < half; start += 2) {
            NAME(row) a = z[start], b = z[start + 1];
            z[start].re = a.re + b.re;
            z[start].im = a.im + b.im;
            z[start + 1].re = a.re - b.re;
            z[start + 1].im = a.im - b.im;
        }
}

/* Powers of bins 0 to `half` of the real transform. If E and O are the transforms of the even and
 * of the odd samples, bin k is E[k] + exp(-2 pi i k / n_fft) O[k], and bin half - k is the
 * conjugate of E[k] - exp(-2 pi i k / n_fft) O[k]. */
static void NAME(powers)(const NAME(row) * z, const int *place, const float *cosine,
                         const float *sine, NAME(vec) * power, int half)
{
    for (int k = 0; k <= half / 2; k++) {
        NAME(row) a = z[place[k]], b = z[place[k == 0 ? 0 : half - k]];
        NAME(vec) even_re = 0.5f * (a.re + b.re), even_im = 0.5f * (a.im - b.im);
        NAME(vec) odd_re = 0.5f * (a.im + b.im), odd_im = 0.5f * (b.re - a.re);
        NAME(vec) turned_re = odd_re * cosine[k] + odd_im * sine[k];
        NAME(vec) turned_im = odd_im * cosine[k] - odd_re * sine[k];
        NAME(vec) low_re = even_re + turned_re, low_im = even_im + turned_im;
        NAME(vec) high_re = even_re - turned_re, high_im = even_im - turned_im;
        power[k] = low_re * low_re + low_im * low_im;
        power[half - k] = high_re * high_re + high_im * high_im;
    }
}

/* Weighted sums of the powers. `out` has one row for each band, `stride` floats long. */
static void NAME(bands)(const NAME(vec) * power, const filters *f, float *out, Py_ssize_t stride,
                        Py_ssize_t n)
{
    for (int band = 0; band < f->n_bands; band++) {
        NAME(vec) sum = {0};
        for (int i = f->start[band]; i < f->start[band + 1]; i++)
            sum += f->weight[i] * power[f->bin[i]];
        memcpy(out + band * stride, &sum, (size_t)n * sizeof(float));
    }
}

static int NAME(mel_power)(const float *x, Py_ssize_t n_frames, Py_ssize_t hop, const plan *p,
                           const filters *f, float *out)
{
    size_t size = sizeof(NAME(row)) * p->half + sizeof(NAME(vec)) * (p->half + 1);
    char *memory = malloc(size + 64);
    if (!memory)
        return -1;
    /* Vectors must be aligned to their size, 64 bytes at most. */
    NAME(row) *z = (NAME(row) *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    NAME(vec) *power = (NAME(vec) *)(z + p->half);
    for (Py_ssize_t start = 0; start < n_frames; start += LANES) {
        Py_ssize_t n = n_frames - start < LANES ? n_frames - start : LANES;
        NAME(load)(x + start * hop, hop, n, p->window, z, p->half);
        NAME(transform)(z, p->cosine, p->sine, p->half);
        NAME(powers)(z, p->place, p->real_cosine, p->real_sine, power, p->half);
        NAME(bands)(power, f, out + start, n_frames, n);
    }
    free(memory);
    return 0;
}
