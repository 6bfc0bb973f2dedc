"""What the types of error mean, one line each: `tools:` are those of the suite `tools`, most others BFCL's own."""

from callwright.evaluation.plays import NO_ANSWER

_MEANING = {
    NO_ANSWER: "The server gave no answer, or one that is not whole; nothing is known of the model.",
    "tools:wrong_name": "Another tool was called than the expected one.",
    "tools:wrong_count": "There were more or fewer calls than the request needs.",
    "tools:missing_argument": "An argument is missing.",
    "tools:unexpected_argument": "There is an argument that the request does not call for.",
    "tools:wrong_value": "An argument has another value than the expected one.",
    "tools:unnecessary_call": "Something was called where no call was expected.",
    "tools:unreadable": "A call was begun and cannot be read.",
    "tools:goal_not_met": "The flow ended without what it was to do: a call is missing, or a text in the final answer.",
    "ast_decoder:decoder_failed": "The output could not be read as calls at all.",
    "ast_decoder:decoder_wrong_output_format": "What was decoded is not a list of calls with named arguments.",
    "irrelevance_error:decoder_success": "The model called a tool although none of them fits.",
    "relevance_error:decoder_failed": "The model called nothing although a tool fits.",
    "simple_function_checker:wrong_count": "The answer needs exactly one call; there were more or none.",
    "multiple_function_checker:wrong_count": "Of several tools exactly one is to be called once; it was not so.",
    "parallel_function_checker_no_order:wrong_count": "There were more or fewer calls than the request needs.",
    "parallel_function_checker_no_order:cannot_find_match": "An expected call matches none of those that were made.",
    "simple_function_checker:wrong_func_name": "Another function was called than the expected one.",
    "simple_function_checker:missing_required": "A required argument is missing.",
    "simple_function_checker:missing_optional": "An optional argument that the request implies is missing.",
    "simple_function_checker:unexpected_param": "There is an argument that the function does not take, or that the "
    "request does not call for.",
    "simple_function_checker:unclear": "The call is wrong in a way the checker does not name.",
    "type_error:simple": "An argument has the wrong type, such as text where a number belongs.",
    "type_error:nested": "Something inside a list or an object has the wrong type.",
    "type_error:java": "An argument is not written as a Java literal.",
    "type_error:js": "An argument is not written as a JavaScript literal.",
    "value_error:string": "A text argument is none of the accepted ones.",
    "value_error:list/tuple": "A list is not equal to any accepted one, in values or in order.",
    "value_error:dict_key": "An object has a key too many or too few.",
    "value_error:dict_value": "An object holds a value that is not among the accepted ones.",
    "value_error:list_dict_count": "A list of objects has the wrong length.",
    "value_error:others": "A number or another value is not among the accepted ones.",
    "dict_checker:unclear": "An object is wrong in a way the checker does not name.",
    "list_dict_checker:unclear": "A list of objects is wrong in a way the checker does not name.",
}


def explain(error_type: str) -> str:
    """One line on the type of error, or that there is none."""
    return _MEANING.get(error_type, "The checker's own name for it; there is no explanation of it here.")
