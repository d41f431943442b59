/* Array arguments and module slots, which both modules share.
 *
 * Arrays are passed through the buffer protocol, so that neither module needs the headers of NumPy.
 * The callers in this package pass valid arrays. Everything is checked nevertheless, because an
 * error in a caller would otherwise read or overwrite the memory of something else.
 */

typedef enum { FLOAT32, BFLOAT16, INT32, BYTE } element;

/* `codes` are format characters of Python's struct module. For int32, the character that NumPy uses
 * depends on the platform. */
static const struct {
    const char *name, *codes;
    Py_ssize_t size;
} ELEMENTS[] = {
    [FLOAT32] = {"float32", "f", 4},
    [BFLOAT16] = {"int16 with the bits of bfloat16", "hH", 2},
    [INT32] = {"int32", "il", 4},
    [BYTE] = {"bool or uint8", "?Bb", 1},
};

typedef struct {
    const char *name;
    element type;
    int is_output;
    Py_buffer view;
} array;

static Py_ssize_t length_of(const array *a)
{
    return a->view.len / ELEMENTS[a->type].size;
}

/* Replace the error of an object that has refused to export its buffer by one that names the
 * argument. */
static void explain_refusal(const array *a, PyObject *object)
{
    Py_buffer view;
    if (!PyErr_ExceptionMatches(PyExc_BufferError) && !PyErr_ExceptionMatches(PyExc_ValueError))
        return;
    PyErr_Clear();
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s has no buffer, expected an array of %s", a->name,
                     ELEMENTS[a->type].name);
        return;
    }
    if (a->is_output && view.readonly)
        PyErr_Format(PyExc_ValueError, "%s is read-only, expected a writable array", a->name);
    else
        PyErr_Format(PyExc_ValueError, "%s is not C-contiguous, expected a C-contiguous array",
                     a->name);
    PyBuffer_Release(&view);
}

static int has_type(const array *a)
{
    const char *format = a->view.format ? a->view.format : "B", *code = format;
    /* Skip a prefix for native byte order. */
    if (*code && strchr(PY_BIG_ENDIAN ? "@=>" : "@=<", *code))
        code++;
    if (code[0] && !code[1] && strchr(ELEMENTS[a->type].codes, code[0]) &&
        a->view.itemsize == ELEMENTS[a->type].size)
        return 1;
    PyErr_Format(PyExc_ValueError, "%s has elements of format '%.40s' and %zd bytes, expected %s",
                 a->name, format, a->view.itemsize, ELEMENTS[a->type].name);
    return 0;
}

static int is_aligned(const array *a)
{
    Py_ssize_t size = ELEMENTS[a->type].size;
    if (a->view.len == 0 || (uintptr_t)a->view.buf % (uintptr_t)size == 0)
        return 1;
    PyErr_Format(PyExc_ValueError, "%s is not aligned, expected an address divisible by %zd",
                 a->name, size);
    return 0;
}

/* Return 1, or 0 with an error set. */
static int take_array(array *a, PyObject *object)
{
    if (!PyObject_CheckBuffer(object)) {
        PyObject *type = PyType_GetName(Py_TYPE(object));
        if (type)
            PyErr_Format(PyExc_TypeError, "%s is of type %U, expected an array of %s", a->name,
                         type, ELEMENTS[a->type].name);
        Py_XDECREF(type);
        return 0;
    }
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (a->is_output ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, &a->view, flags) < 0) {
        a->view.obj = NULL; /* so that releasing it does nothing */
        explain_refusal(a, object);
        return 0;
    }
    return has_type(a) && is_aligned(a);
}

/* The loops write outputs before they have read all inputs, and some of their pointers are declared
 * as the only ones to their memory. */
static int are_apart(const array *arrays, int n_arrays)
{
    for (int i = 0; i < n_arrays; i++)
        for (int k = 0; k < n_arrays; k++) {
            const Py_buffer *a = &arrays[i].view, *b = &arrays[k].view;
            uintptr_t first = (uintptr_t)a->buf, second = (uintptr_t)b->buf;
            if (i == k || !arrays[i].is_output || a->len == 0 || b->len == 0)
                continue;
            if (first < second + (size_t)b->len && second < first + (size_t)a->len) {
                PyErr_Format(PyExc_ValueError, "%s overlaps %s in memory, expected separate arrays",
                             arrays[i].name, arrays[k].name);
                return 0;
            }
        }
    return 1;
}

/* Return 1, or 0 with an error set. In both cases the arrays must be released afterwards. Before
 * the call their views must be zero. */
static int take_arrays(array *arrays, PyObject *const *objects, int n_arrays)
{
    for (int i = 0; i < n_arrays; i++)
        if (!take_array(arrays + i, objects[i]))
            return 0;
    return are_apart(arrays, n_arrays);
}

static void release_arrays(array *arrays, int n_arrays)
{
    for (int i = 0; i < n_arrays; i++)
        PyBuffer_Release(&arrays[i].view);
}

/* `meaning` says in terms of other arguments what the expected length is. */
static int has_length(const array *a, Py_ssize_t length, const char *meaning)
{
    if (length_of(a) == length)
        return 1;
    PyErr_Format(PyExc_ValueError, "%s has size %zd, expected %zd: %s", a->name, length_of(a),
                 length, meaning);
    return 0;
}

static int is_positive(const char *name, Py_ssize_t value)
{
    if (value > 0)
        return 1;
    PyErr_Format(PyExc_ValueError, "%s is %zd, expected a positive number", name, value);
    return 0;
}

static int have_lanes(int lanes)
{
    if (lanes != 4 && lanes != 8 && lanes != 16)
        PyErr_Format(PyExc_ValueError, "lanes is %d, expected 4, 8 or 16", lanes);
    else if (lanes > best_lanes())
        PyErr_Format(PyExc_ValueError, "lanes is %d, expected at most %d on this processor",
                     lanes, best_lanes());
    else
        return 1;
    return 0;
}

static int add_constants(PyObject *module)
{
    return PyModule_AddIntConstant(module, "LANES", best_lanes());
}

/* The modules have no state, and therefore need no lock and work in any number of interpreters.
 * The slots that declare this exist in newer versions of Python only, and not in the limited API
 * of 3.11. */
static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_constants},
#ifdef Py_mod_multiple_interpreters
                                   {Py_mod_multiple_interpreters,
                                    Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                                   {0, NULL}};
