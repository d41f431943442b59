/* Mel power spectra of many frames: the inner loop of feature extraction.
 *
 * Several neighbouring frames are transformed side by side, one in each lane of the processor's
 * vectors, so that every operation is a vector one and nothing is ever shuffled. The transform of
 * n_fft real samples is a complex one of half as many (even samples as real, odd ones as imaginary
 * parts), and one more pass that takes it apart: W. H. Press et al., "Numerical Recipes", 3rd ed.,
 * 2007, section 12.3.
 *
 * The module is optional: where it could not be compiled, and for an n_fft that is no power of two,
 * _spectrum.py does the same with NumPy and SciPy.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
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

/* What depends on n_fft and the window alone; half is n_fft / 2. */
typedef struct {
    int half;
    const float *window;                  /* n_fft */
    const float *cosine, *sine;           /* of 2 pi k / half, k < half */
    const float *real_cosine, *real_sine; /* of 2 pi k / n_fft, k <= half / 2 */
    const int *place;                     /* where each bin stands after the transform, half */
} plan;

/* A sparse matrix in rows, as scipy.sparse.csr_array. */
typedef struct {
    int n_bands;
    const int *start, *bin;
    const float *weight;
} filters;

#define NAME(name) JOIN(name, LANES)
#define LOOPS "_mel_lanes.h"
#include "_processors.h"

static int run(int lanes, const float *x, Py_ssize_t n_frames, Py_ssize_t hop, const plan *p,
               const filters *f, float *out)
{
#ifdef __x86_64__
    if (lanes == 16)
        return mel_power16(x, n_frames, hop, p, f, out);
    if (lanes == 8)
        return mel_power8(x, n_frames, hop, p, f, out);
#endif
    return mel_power4(x, n_frames, hop, p, f, out);
}

/* Whatever a wrong caller could make this read or write outside of its arrays. */
static const char *fault_of(const Py_buffer *b, Py_ssize_t n_fft, Py_ssize_t hop,
                            Py_ssize_t n_frames, Py_ssize_t n_bands)
{
    enum { X, WINDOW, COSINE, SINE, REAL_COSINE, REAL_SINE, PLACE, START, BIN, WEIGHT, OUT };
    Py_ssize_t half = n_fft / 2;
    if (n_fft < 8 || n_fft > (1 << 24) || (n_fft & (n_fft - 1)))
        return "n_fft must be a power of two from 8 to 2^24";
    if (hop < 1 || n_frames < 1 || n_bands < 1)
        return "hop, n_frames and n_bands must be positive";
    if (b[X].len / 4 < n_fft || (b[X].len / 4 - n_fft) / hop < n_frames - 1)
        return "x must hold all frames";
    if (b[WINDOW].len != 4 * n_fft || b[COSINE].len != 4 * half || b[SINE].len != 4 * half ||
        b[REAL_COSINE].len != 4 * (half / 2 + 1) || b[REAL_SINE].len != 4 * (half / 2 + 1) ||
        b[PLACE].len != 4 * half)
        return "the tables must be those of n_fft";
    if (b[START].len != 4 * (n_bands + 1) || b[BIN].len != b[WEIGHT].len)
        return "the filters must be a matrix of n_bands rows";
    if (b[OUT].len / 4 / n_bands != n_frames || b[OUT].len % (4 * n_bands))
        return "out must hold n_bands rows of n_frames";
    const int *place = b[PLACE].buf, *start = b[START].buf, *bin = b[BIN].buf;
    for (Py_ssize_t i = 0; i < half; i++)
        if (place[i] < 0 || place[i] >= half)
            return "place must be below half";
    if (start[0] != 0 || 4 * (Py_ssize_t)start[n_bands] != b[BIN].len)
        return "the filters must begin at 0 and end with their weights";
    for (Py_ssize_t i = 0; i < n_bands; i++)
        if (start[i] > start[i + 1])
            return "the filters must follow each other";
    for (Py_ssize_t i = 0; i < b[BIN].len / 4; i++)
        if (bin[i] < 0 || bin[i] > half)
            return "bins of the filters must be at most half";
    return NULL;
}

PyDoc_STRVAR(mel_power_doc,
             "mel_power(lanes, hop, n_frames, n_bands, x, window, cosine, sine, real_cosine,\n"
             "          real_sine, place, start, bin, weight, out)\n--\n\n"
             "Write the mel power spectra of overlapping frames into `out`, without the GIL.\n\n"
             "All arrays are contiguous, of 32-bit floats, and `place`, `start` and `bin` of 32-bit\n"
             "integers. ValueError if their sizes do not fit together.");

static PyObject *mel_power(PyObject *module, PyObject *args)
{
    (void)module;
    int lanes;
    Py_ssize_t hop, n_frames, n_bands;
    Py_buffer b[11];
    if (!PyArg_ParseTuple(args, "innny*y*y*y*y*y*y*y*y*y*w*", &lanes, &hop, &n_frames, &n_bands,
                          b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6, b + 7, b + 8, b + 9, b + 10))
        return NULL;
    Py_ssize_t n_fft = b[1].len / 4;
    const char *fault = fault_of(b, n_fft, hop, n_frames, n_bands);
    if (lanes != 4 && lanes != 8 && lanes != 16)
        fault = "lanes must be 4, 8 or 16";
    else if (lanes > best_lanes())
        fault = "this processor has fewer lanes";
    int status = 0;
    if (!fault) {
        plan p = {(int)(n_fft / 2), b[1].buf, b[2].buf, b[3].buf, b[4].buf, b[5].buf, b[6].buf};
        filters f = {(int)n_bands, b[7].buf, b[8].buf, b[9].buf};
        Py_BEGIN_ALLOW_THREADS
        status = run(lanes, b[0].buf, n_frames, hop, &p, &f, b[10].buf);
        Py_END_ALLOW_THREADS
    }
    for (int i = 0; i < 11; i++)
        PyBuffer_Release(b + i);
    if (fault) {
        PyErr_SetString(PyExc_ValueError, fault);
        return NULL;
    }
    if (status)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"mel_power", mel_power, METH_VARARGS, mel_power_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "ser_estimators._mel_kernel",
    "Mel power spectra; LANES is how many frames this processor transforms at once.", -1, methods,
    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__mel_kernel(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddIntConstant(module, "LANES", best_lanes()) < 0)
        Py_CLEAR(module);
    return module;
}
