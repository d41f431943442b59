/* Mel power spectra of many frames: the inner loop of feature extraction.
 *
 * Neighboring frames are transformed side by side, one in each lane of the vector registers, so
 * that every operation is a vector operation and nothing but the input has to be shuffled. The
 * transform of n_fft real samples is a complex transform of half the length (even samples are the
 * real parts, odd samples the imaginary parts), followed by one pass that separates the two:
 * W. H. Press et al., "Numerical Recipes", 3rd ed., 2007, section 12.3.
 *
 * The module is optional: without it, and for an n_fft that is not a power of two,
 * _features/spectrum.py computes the same with NumPy and SciPy.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef float float4 __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int int4 __attribute__((vector_size(16)));
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (int4){i, j, k, l})
#endif

/* Tables that depend on n_fft and the window only. */
typedef struct {
    int half;                             /* n_fft / 2 */
    const float *window;                  /* n_fft */
    const float *cosine, *sine;           /* of 2 pi k / half, k < half */
    const float *real_cosine, *real_sine; /* of 2 pi k / n_fft, k <= half / 2 */
    const int *place;                     /* half: the position of each bin after the transform */
} plan;

/* A sparse matrix in compressed rows: indptr, indices and data of scipy.sparse.csr_array. */
typedef struct {
    int n_bands;
    const int *start, *bin;
    const float *weight;
} filters;

#define NAME(name) JOIN(name, LANES)
#define LOOPS "mel_lanes.h"
#include "processors.h"
#include "module.h"

static int run(int lanes, const float *x, Py_ssize_t n_frames, Py_ssize_t hop, const plan *p,
               const filters *f, float *out)
{
#ifdef __x86_64__
    if (lanes == 16)
        return mel_power16(x, n_frames, hop, p, f, out);
    if (lanes == 8)
        return mel_power8(x, n_frames, hop, p, f, out);
#endif
    (void)lanes;
    return mel_power4(x, n_frames, hop, p, f, out);
}

enum { X, WINDOW, COSINE, SINE, REAL_COSINE, REAL_SINE, PLACE, START, BIN, WEIGHT, OUT, N_ARRAYS };

/* Far beyond any useful size, and small enough for int. */
enum { MIN_FFT = 8, MAX_FFT = 1 << 24, MAX_BANDS = 1 << 24 };

/* Return 1, or 0 with an error set. */
static int have_lengths(const array *a, Py_ssize_t hop, Py_ssize_t n_frames, Py_ssize_t n_bands)
{
    Py_ssize_t n_fft = length_of(a + WINDOW), half = n_fft / 2, n_out;
    if (!is_positive("hop", hop) || !is_positive("n_frames", n_frames) ||
        !is_positive("n_bands", n_bands))
        return 0;
    if (n_fft < MIN_FFT || n_fft > MAX_FFT || (n_fft & (n_fft - 1))) {
        PyErr_Format(PyExc_ValueError,
                     "window has size %zd, expected a power of two from %d to %d", n_fft,
                     MIN_FFT, MAX_FFT);
        return 0;
    }
    if (n_bands > MAX_BANDS) {
        PyErr_Format(PyExc_ValueError, "n_bands is %zd, expected at most %d", n_bands, MAX_BANDS);
        return 0;
    }
    if (__builtin_mul_overflow(n_bands, n_frames, &n_out)) {
        PyErr_Format(PyExc_ValueError, "n_frames is %zd, expected fewer frames of %zd bands",
                     n_frames, n_bands);
        return 0;
    }
    if (length_of(a + X) < n_fft || (length_of(a + X) - n_fft) / hop < n_frames - 1) {
        PyErr_Format(PyExc_ValueError,
                     "x has size %zd, expected at least %zd frames of %zd samples, %zd apart",
                     length_of(a + X), n_frames, n_fft, hop);
        return 0;
    }
    if (length_of(a + BIN) > INT_MAX) {
        PyErr_Format(PyExc_ValueError, "bin has size %zd, expected at most %d",
                     length_of(a + BIN), INT_MAX);
        return 0;
    }
    return has_length(a + COSINE, half, "n_fft / 2") && has_length(a + SINE, half, "n_fft / 2") &&
           has_length(a + REAL_COSINE, half / 2 + 1, "n_fft / 4 + 1") &&
           has_length(a + REAL_SINE, half / 2 + 1, "n_fft / 4 + 1") &&
           has_length(a + PLACE, half, "n_fft / 2") &&
           has_length(a + START, n_bands + 1, "n_bands + 1") &&
           has_length(a + WEIGHT, length_of(a + BIN), "the length of bin") &&
           has_length(a + OUT, n_out, "n_bands * n_frames");
}

static int are_below(const char *name, const int *index, Py_ssize_t n, int end)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= end) {
            PyErr_Format(PyExc_ValueError, "%s[%zd] is %d, expected 0 to %d", name, i, index[i],
                         end - 1);
            return 0;
        }
    return 1;
}

static int are_rows(const int *start, Py_ssize_t n_bands, Py_ssize_t n_weights)
{
    for (Py_ssize_t i = 0; i <= n_bands; i++) {
        int least = i == 0 ? 0 : start[i - 1];
        if (start[i] < least || start[i] > n_weights || (i == 0 && start[i] > 0)) {
            PyErr_Format(PyExc_ValueError, "start[%zd] is %d, expected %d to %zd", i, start[i],
                         least, i == 0 ? 0 : n_weights);
            return 0;
        }
    }
    if (start[n_bands] != n_weights) {
        PyErr_Format(PyExc_ValueError, "start[%zd] is %d, expected %zd: the length of weight",
                     n_bands, start[n_bands], n_weights);
        return 0;
    }
    return 1;
}

/* Return a copy of place, start and bin in one block of memory, or NULL with an error set. The
 * loops use them as indexes after the GIL has been released. Without a copy, another thread could
 * change them between the check and their use. */
static int *copy_indexes(const array *a)
{
    Py_ssize_t half = length_of(a + PLACE), n_starts = length_of(a + START);
    Py_ssize_t n_bins = length_of(a + BIN);
    int *place = calloc((size_t)half + (size_t)n_starts + (size_t)n_bins, sizeof(int));
    if (!place) {
        PyErr_NoMemory();
        return NULL;
    }
    int *start = place + half, *bin = start + n_starts;
    memcpy(place, a[PLACE].view.buf, (size_t)half * sizeof(int));
    memcpy(start, a[START].view.buf, (size_t)n_starts * sizeof(int));
    if (n_bins)
        memcpy(bin, a[BIN].view.buf, (size_t)n_bins * sizeof(int));
    if (are_below("place", place, half, (int)half) &&
        are_below("bin", bin, n_bins, (int)half + 1) && are_rows(start, n_starts - 1, n_bins))
        return place;
    free(place);
    return NULL;
}

/* Return 1, or 0 with an error set. */
static int run_on_arrays(const array *a, int lanes, Py_ssize_t hop, Py_ssize_t n_frames,
                         Py_ssize_t n_bands)
{
    int *place = copy_indexes(a), status;
    if (!place)
        return 0;
    int half = (int)length_of(a + PLACE);
    int *start = place + half, *bin = start + n_bands + 1;
    plan p = {half,
              a[WINDOW].view.buf,
              a[COSINE].view.buf,
              a[SINE].view.buf,
              a[REAL_COSINE].view.buf,
              a[REAL_SINE].view.buf,
              place};
    filters f = {(int)n_bands, start, bin, a[WEIGHT].view.buf};
    Py_BEGIN_ALLOW_THREADS
    status = run(lanes, a[X].view.buf, n_frames, hop, &p, &f, a[OUT].view.buf);
    Py_END_ALLOW_THREADS
    free(place);
    if (status)
        PyErr_NoMemory();
    return status == 0;
}

PyDoc_STRVAR(mel_power_doc,
             "mel_power(lanes, hop, n_frames, n_bands, x, window, cosine, sine, real_cosine,\n"
             "          real_sine, place, start, bin, weight, out)\n--\n\n"
             "Write the mel power spectra of overlapping frames into `out`, without the GIL.\n\n"
             "Arrays are C-contiguous. `place`, `start` and `bin` are int32, the others float32.\n"
             "TypeError is raised for an argument that is not an array, and ValueError for an\n"
             "array of the wrong type or size.");

static PyObject *mel_power(PyObject *module, PyObject *args)
{
    (void)module;
    int lanes;
    Py_ssize_t hop, n_frames, n_bands;
    PyObject *o[N_ARRAYS];
    array a[N_ARRAYS] = {
        [X] = {.name = "x", .type = FLOAT32},
        [WINDOW] = {.name = "window", .type = FLOAT32},
        [COSINE] = {.name = "cosine", .type = FLOAT32},
        [SINE] = {.name = "sine", .type = FLOAT32},
        [REAL_COSINE] = {.name = "real_cosine", .type = FLOAT32},
        [REAL_SINE] = {.name = "real_sine", .type = FLOAT32},
        [PLACE] = {.name = "place", .type = INT32},
        [START] = {.name = "start", .type = INT32},
        [BIN] = {.name = "bin", .type = INT32},
        [WEIGHT] = {.name = "weight", .type = FLOAT32},
        [OUT] = {.name = "out", .type = FLOAT32, .is_output = 1},
    };
    if (!PyArg_ParseTuple(args, "innnOOOOOOOOOOO:mel_power", &lanes, &hop, &n_frames, &n_bands,
                          o + X, o + WINDOW, o + COSINE, o + SINE, o + REAL_COSINE, o + REAL_SINE,
                          o + PLACE, o + START, o + BIN, o + WEIGHT, o + OUT))
        return NULL;
    int is_done = have_lanes(lanes) && take_arrays(a, o, N_ARRAYS) &&
                  have_lengths(a, hop, n_frames, n_bands) &&
                  run_on_arrays(a, lanes, hop, n_frames, n_bands);
    release_arrays(a, N_ARRAYS);
    if (!is_done)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"mel_power", mel_power, METH_VARARGS, mel_power_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ser_estimators._kernels._mel",
    .m_doc = "Mel power spectra; LANES is how many frames this processor transforms at once.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__mel(void)
{
    return PyModuleDef_Init(&definition);
}
